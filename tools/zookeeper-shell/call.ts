/** What a command of the shell is, and what it is given to run. */
import { JavaFailure } from '../options/java-failure.ts';
import type { ShellClient } from './client.ts';
import type { OptionSpec, ParsedWords } from './words.ts';

/** Where commands write: their results, and what they have to say beside them. */
export interface Printer {
  out(text: string): void;
  err(text: string): void;
}

export interface Call extends ParsedWords {
  readonly client: ShellClient;
  readonly printer: Printer;
  /** Tells of a watch's removal as of any event. */
  tellWatch(event: string, path: string): void;
  readFile(path: string): Promise<Buffer | null>;
}

export interface Command extends OptionSpec {
  /** Options and arguments, as the help shows them behind the name. */
  readonly usage: string;
  /** How many words there must be, the name included; fewer are answered with the usage. */
  readonly wordCountMin?: number;
  readonly wordCountMax?: number;
  /** An old form, `get path watch`: the word behind the path counts as -w. */
  readonly hasOldWatchForm?: boolean;
  /** The words are not looked at. */
  readonly ignoresWords?: boolean;
  /** Comes before the count of words is checked. */
  before?(call: Call): void;
  run(call: Call): Promise<void> | void;
}

const numberFailure = (text: string): JavaFailure =>
  new JavaFailure('java.lang.NumberFormatException', `For input string: "${text}"`);

/** An integer within the limits; Java's NumberFormatException, which ends the shell, for anything else. */
export const parseInteger = (
  text: string,
  { bits = 32, radix = 10 }: { readonly bits?: 32 | 64; readonly radix?: 10 | 16 } = {},
): bigint => {
  const digits = radix === 16 ? /^[+-]?[\da-f]+$/i : /^[+-]?\d+$/;
  if (!digits.test(text)) throw numberFailure(text);
  const magnitude = BigInt((radix === 16 ? '0x' : '') + text.replace(/^[+-]/, ''));
  const value = text.startsWith('-') ? -magnitude : magnitude;
  if (BigInt.asIntN(bits, value) !== value) throw numberFailure(text);
  return value;
};

/** The value of -v, -1 (any version) without it. */
export const versionOf = ({ options }: Call): number => {
  const text = options.get('v');
  return text === undefined ? -1 : Number(parseInteger(text));
};

/** An argument whose presence has been checked. */
export const argOf = ({ args }: Call, index: number): string => args[index] ?? '';
