/** What the dumping of one file gets to work with. */
import type { System } from '../../system/system.ts';
import { JavaFailure } from '../options/java-failure.ts';
import type { ParsedOptions } from '../options/parser.ts';
import type { Findings } from './findings.ts';
import type { FileName } from './log-records.ts';
import type { TextOutput } from './text-output.ts';

export interface Dump {
  readonly system: System;
  readonly options: ParsedOptions;
  readonly output: TextOutput;
  readonly findings: Findings;
  readonly file: FileName;
  /** The last part of the file's path. */
  readonly baseName: string;
}

/** The part of a file name before its first dot. */
export const stemOf = (baseName: string): string => baseName.split('.', 1)[0] ?? '';

/** The offset that a file name begins with. Throws JavaFailure. */
export const startOffsetOf = (baseName: string): bigint => offsetFrom(stemOf(baseName));

/** Java's parseLong, in which zeroes in front do not count. Throws JavaFailure. */
export const offsetFrom = (text: string): bigint => {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : null;
  if (value !== null && BigInt.asIntN(64, value) === value) return value;
  throw new JavaFailure('java.lang.NumberFormatException', `For input string: "${text}"`);
};

/** A file beside the one that is dumped; messages name it from the root. */
export const siblingOf = ({ file, baseName }: Dump, suffix: string): FileName => {
  const folder = file.absolute.slice(0, file.absolute.lastIndexOf('/'));
  const absolute = `${folder}/${stemOf(baseName)}${suffix}`;
  return { given: absolute, absolute };
};
