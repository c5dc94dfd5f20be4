/**
 * What the command line tools share: the terminal they are given, help and version, usage errors,
 * and how a tool becomes a process. A tool is a function, so that it runs within a test as well.
 */
import { createLogger } from '../system/logger.ts';
import { program, type Signal } from '../system/process.ts';
import { realSystem, type System } from '../system/system.ts';
import { runProgram } from './failures.ts';
import { helpText } from './options/help.ts';
import type { ParsedOptions } from './options/parser.ts';
import { KAFKA_VERSION, type OptionTable } from './options/table.ts';

/** The part of `program` that a tool uses. */
export interface Terminal {
  /** Standard input comes from a keyboard. */
  readonly isTerminal: boolean;
  readonly isOutputTerminal: boolean;
  /** False when nobody reads any more. Waits while the reader is slower. */
  print(data: string | Buffer): Promise<boolean>;
  printError(text: string): Promise<boolean>;
  input(): AsyncIterable<Buffer>;
  onSignal(signals: readonly Signal[], callback: (signal: Signal) => void): void;
}

/** Returns the exit code. */
export type Tool = (system: System, terminal: Terminal, args: readonly string[]) => Promise<number>;

/** The options do not go together; the help follows the message. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Runs a tool as this process. */
export const runTool = (tool: Tool): Promise<void> =>
  runProgram(async () => {
    const system = realSystem(createLogger({ level: 'silent' }));
    program.exit(await tool(system, program, program.arguments));
  });

/** A message and all options, on standard error. */
export const printUsage = async (
  terminal: Terminal,
  table: OptionTable,
  message: string,
): Promise<number> => {
  await terminal.printError(`${message}\n${helpText(table)}`);
  return 1;
};

/** Answers --help and --version; null when neither was asked for. */
export const answerHelp = async (
  terminal: Terminal,
  options: ParsedOptions,
  { table, purpose }: { readonly table: OptionTable; readonly purpose: string },
): Promise<number | null> => {
  if (options.has('help')) return printUsage(terminal, table, purpose);
  if (!options.has('version')) return null;
  await terminal.print(`${KAFKA_VERSION}\n`);
  return 0;
};

/** `Missing required argument "[topic]"` for the first of `names` that was not given. */
export const checkRequired = (options: ParsedOptions, ...names: readonly string[]): void => {
  const missing = names.find((name) => !options.has(name));
  if (missing !== undefined) throw new UsageError(`Missing required argument "[${missing}]"`);
};

/** Refuses `used` together with any of `others`. */
export const checkInvalid = (
  options: ParsedOptions,
  used: string,
  others: readonly string[],
): void => {
  if (!options.has(used)) return;
  const other = others.find((name) => options.has(name));
  if (other === undefined) return;
  throw new UsageError(`Option "[${used}]" can't be used with option "[${other}]"`);
};

/** The exit code of a process that a signal has ended. */
export const signalExitCode = (signal: Signal): number => (signal === 'SIGINT' ? 130 : 143);
