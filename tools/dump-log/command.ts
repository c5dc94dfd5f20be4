/**
 * kafka-dump-log: shows what the files of a partition hold and where an index contradicts its log.
 * Contradictions are told at the end and do not change the exit code; a file that cannot be read
 * ends the run, as in Kafka.
 */
import type { System } from '../../system/system.ts';
import {
  answerHelp,
  checkRequired,
  printUsage,
  type Terminal,
  type Tool,
  UsageError,
} from '../cli.ts';
import { failureText, JavaFailure } from '../options/java-failure.ts';
import { type ParsedOptions, ParseError, parseOptions } from '../options/parser.ts';
import type { Dump } from './dump.ts';
import { Findings } from './findings.ts';
import { dumpOffsetIndex, dumpTimeIndex } from './index-dump.ts';
import { dumpLogFile } from './log-dump.ts';
import { dumpLogOptions } from './options.ts';
import { CorruptSnapshot, dumpProducerSnapshot, dumpTransactionIndex } from './state-dump.ts';
import { ReaderGone, TextOutput } from './text-output.ts';

const PURPOSE =
  'This tool helps to parse a log file and dump its contents to the console, useful for ' +
  'debugging a seemingly corrupt log segment.';

const dumpers: ReadonlyMap<string, (dump: Dump) => Promise<void>> = new Map([
  ['.log', dumpLogFile],
  ['.checkpoint', dumpLogFile],
  ['.index', dumpOffsetIndex],
  ['.timeindex', dumpTimeIndex],
  ['.snapshot', dumpProducerSnapshot],
  ['.txnindex', dumpTransactionIndex],
]);

/** The tool, for file names that count from `directory`. */
export const dumpLogIn =
  (directory: string): Tool =>
  async (system, terminal, args) => {
    if (args.length === 0) return printUsage(terminal, dumpLogOptions, PURPOSE);
    const output = new TextOutput(terminal);
    try {
      const options = parseOptions(dumpLogOptions, args);
      const help = { table: dumpLogOptions, purpose: PURPOSE };
      const answered = await answerHelp(terminal, options, help);
      if (answered !== null) return answered;
      checkRequired(options, 'files');
      await dumpAll({ system, terminal, output, options, directory });
      return 0;
    } catch (error) {
      if (error instanceof UsageError) return printUsage(terminal, dumpLogOptions, error.message);
      if (error instanceof ReaderGone) return 0;
      await output.flush();
      if (!(error instanceof JavaFailure || error instanceof ParseError)) throw error;
      await terminal.printError(`Exception in thread "main" ${failureText(error)}`);
      return 1;
    }
  };

interface Job {
  readonly system: System;
  readonly terminal: Terminal;
  readonly output: TextOutput;
  readonly options: ParsedOptions;
  readonly directory: string;
}

const dumpAll = async (job: Job): Promise<void> => {
  const { system, terminal, output, options } = job;
  const findings = new Findings();
  for (const word of filesIn(options.value('files') ?? '')) {
    const given = pathOf(word);
    output.line(`Dumping ${given}`);
    const baseName = given.slice(given.lastIndexOf('/') + 1);
    const dumper = dumpers.get(suffixOf(baseName));
    const absolute = given.startsWith('/') ? given : `${job.directory}/${given}`;
    const file = { given, absolute };
    if (dumper === undefined) {
      await terminal.printError(`Ignoring unknown file ${given}\n`);
      continue;
    }
    try {
      await dumper({ system, options, output, findings, file, baseName });
    } catch (error) {
      if (!(error instanceof CorruptSnapshot)) throw error;
      await terminal.printError(`${error.message}\n`);
    }
  }
  await output.flush();
  await report(terminal, findings);
};

/** As Java splits: nothing behind the last comma is no file. */
const filesIn = (text: string): string[] => {
  const words = text.split(',');
  if (words.length === 1) return words;
  while (words.at(-1) === '') words.pop();
  return words;
};

/** As java.io.File writes a path: single slashes, none at the end. */
const pathOf = (word: string): string => {
  const path = word.replace(/\/+/g, '/');
  return path.length > 1 ? path.replace(/\/$/, '') : path;
};

/** Throws JavaFailure for a name without a dot: that is how Kafka takes it. */
const suffixOf = (baseName: string): string => {
  const dot = baseName.lastIndexOf('.');
  if (dot >= 0) return baseName.slice(dot);
  throw new JavaFailure(
    'java.lang.StringIndexOutOfBoundsException',
    `begin -1, end ${baseName.length}, length ${baseName.length}`,
  );
};

const REPORT_LINES = 1000;

const report = async (terminal: Terminal, findings: Findings): Promise<void> => {
  let lines: string[] = [];
  for (const line of findings.report()) {
    lines.push(`${line}\n`);
    if (lines.length < REPORT_LINES) continue;
    await terminal.printError(lines.join(''));
    lines = [];
  }
  if (lines.length > 0) await terminal.printError(lines.join(''));
};
