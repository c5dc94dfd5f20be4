/**
 * Recorded runs of Kafka's own tools (test/fixtures/cli), and what is needed to run ours against
 * them: a terminal that keeps what is printed, and the common form of both outputs, without times,
 * stack frames and the option table.
 */
import { readFileSync } from 'node:fs';
import { realSystem, type System } from '../../system/system.ts';
import type { Terminal, Tool } from '../../tools/cli.ts';
import { helpText } from '../../tools/options/help.ts';
import type { OptionTable } from '../../tools/options/table.ts';

export interface Step {
  readonly action?: string;
  readonly tool?: string;
  readonly args: readonly string[];
  readonly stdin: string | null;
  readonly files?: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
  readonly note: string;
}

export interface Transcript {
  readonly usage: string;
  readonly steps: readonly Step[];
}

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

export const readTranscript = (path: string): Transcript =>
  JSON.parse(readFileSync(path, 'utf8')) as Transcript;

/** A terminal without a keyboard: input is given, output kept. */
export const recordingTerminal = (input: string) => {
  const output: Buffer[] = [];
  const errors: string[] = [];
  const terminal: Terminal = {
    isTerminal: false,
    isOutputTerminal: false,
    print: async (data) => {
      output.push(Buffer.from(data));
      return true;
    },
    printError: async (text) => {
      errors.push(text);
      return true;
    },
    async *input() {
      if (input !== '') yield Buffer.from(input);
    },
    onSignal: () => {},
  };
  return { terminal, output, errors };
};

/** The real system, with files that are only in memory. */
export const systemWithFiles = (files: Readonly<Record<string, string>>): System => {
  const system = realSystem();
  const readFile = async (path: string): Promise<Buffer | null> => {
    const text = files[path];
    return text === undefined ? null : Buffer.from(text);
  };
  return { ...system, disk: { ...system.disk, readFile } };
};

/** Runs a tool with addresses put into its arguments. */
export const runStep = async (
  tool: Tool,
  { args, stdin, files = {} }: Pick<Step, 'args' | 'stdin' | 'files'>,
  places: Readonly<Record<string, string>> = {},
): Promise<Result> => {
  const { terminal, output, errors } = recordingTerminal(stdin ?? '');
  const words = args.map((word) =>
    word.replace(/\{(\w+)\}/g, (text, name: string) => places[name] ?? text),
  );
  const exit = await tool(systemWithFiles(files), terminal, words);
  return { stdout: Buffer.concat(output).toString('utf8'), stderr: errors.join(''), exit };
};

/** What has to be equal in the two. */
export const comparable = (result: Result, usage: string): Result => ({
  exit: result.exit,
  stdout: result.stdout.replace(/TopicId: [\w-]{22}/g, 'TopicId: ID'),
  stderr: result.stderr
    .replace(usage, '{usage}')
    // Java's clients warn of connections and metadata in their own way.
    .replace(
      /^\[[\d :,-]{23}\] \w+ .*\(org\.apache\.kafka\.clients\.(?!producer\.internals\.Err).*\n/gm,
      '',
    )
    .replace(/^\[[\d :,-]{23}\]/gm, '[time]')
    .replace(/^\t(at |\.\.\. \d+ more).*\n/gm, ''),
});

/** Our outcome and the recorded one, ready to be compared. */
export const outcomes = async (
  step: Step,
  { tool, table, transcript }: { tool: Tool; table: OptionTable; transcript: Transcript },
  places: Readonly<Record<string, string>> = {},
): Promise<{ ours: Result; recorded: Result }> => ({
  ours: comparable(await runStep(tool, step, places), helpText(table)),
  recorded: comparable(step, transcript.usage),
});
