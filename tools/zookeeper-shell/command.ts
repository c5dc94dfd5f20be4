/**
 * zookeeper-shell: one command from the command line, or lines from standard input, at a terminal with a prompt,
 * completion and the lines typed before (Kafka's ZooKeeperMainWithTlsSupportForKafka and the script in front of it).
 */
import { zooKeeperTls } from '../../broker/config/zookeeper-tls.ts';
import type { Completer, LineEditor } from '../../system/process.ts';
import type { System } from '../../system/system.ts';
import { loadTls, tlsNet } from '../../system/tls.ts';
import type { Terminal } from '../cli.ts';
import { LineSplitter } from '../console-producer/lines.ts';
import { failureText, JavaFailure } from '../options/java-failure.ts';
import { readProperties } from '../options/properties.ts';
import { logLine } from '../output.ts';
import { type Printer, parseInteger } from './call.ts';
import { complete } from './completion.ts';
import { Shell, type ShellOptions } from './shell.ts';

/** Kafka's script writes its own name and path here. */
const USAGE =
  'USAGE: zookeeper-shell zookeeper_host:port[/path] [-zk-tls-config-file file] [args...]\n';
const DEFAULT_SESSION_TIMEOUT_MS = '30000';
const TLS_OPTION = '-zk-tls-config-file';

/** Opens the editor of `system/process.ts`, or one for tests. */
export type OpenEditor = (complete: Completer) => LineEditor;

/** The program; returns its exit code. Without `openEditor`, or a terminal, lines are read as they come. */
export const zookeeperShell = async (
  system: System,
  terminal: Terminal,
  args: readonly string[],
  openEditor?: OpenEditor,
): Promise<number> => {
  if (args.length === 0) {
    await terminal.print(USAGE);
    return 1;
  }
  const output = new Output(terminal);
  try {
    const tls = await withTls(system, args);
    const invocation = readArguments(output, tls.args);
    output.out(`Connecting to ${invocation.address}\n`);
    const shell = new Shell(tls.system, output, shellOptions(invocation));
    try {
      await shell.connect(invocation.address);
      await use(shell, { terminal, output, openEditor, words: invocation.words });
    } finally {
      shell.abandon();
    }
    if (shell.exitCode !== 0) {
      const message = `Exiting JVM with code ${shell.exitCode}`;
      const logger = 'org.apache.zookeeper.util.ServiceUtils';
      output.err(logLine(system.clock.nowMs(), 'ERROR', message, logger));
    }
    return shell.exitCode;
  } catch (error) {
    if (!(error instanceof JavaFailure)) throw error;
    output.err(`Exception in thread "main" ${failureText(error)}`);
    return 1;
  } finally {
    await output.flush();
  }
};

/** Writes in order and without waiting; at a terminal around the line that is being edited. */
class Output implements Printer {
  editor: LineEditor | null = null;
  readonly #terminal: Terminal;
  #written: Promise<unknown> = Promise.resolve();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  out(text: string): void {
    if (this.editor !== null) this.editor.print(text);
    else this.#written = this.#terminal.print(text);
  }

  err(text: string): void {
    if (this.editor !== null) return this.editor.print(text);
    const before = this.#written;
    const written = this.#terminal.printError(text);
    this.#written = Promise.all([before, written]);
  }

  async flush(): Promise<void> {
    await this.#written;
  }
}

interface Invocation {
  readonly address: string;
  readonly sessionTimeoutText: string;
  readonly readOnly: boolean;
  /** The command; empty when lines are to be read. */
  readonly words: readonly string[];
}

/** The address, options, then the command, which begins with the first word that is no option. */
const readArguments = (output: Printer, args: readonly string[]): Invocation => {
  const [address = '', ...words] = args;
  let sessionTimeoutText = DEFAULT_SESSION_TIMEOUT_MS;
  let readOnly = false;
  while (words[0]?.startsWith('-')) {
    const option = words.shift() as string;
    if (option === '-r') readOnly = true;
    if (option !== '-timeout' && option !== '-client-configuration') continue;
    const value = words.shift();
    if (value === undefined) output.err(`Error: no argument found for option ${option}\n`);
    else if (option === '-timeout') sessionTimeoutText = value;
  }
  return { address, sessionTimeoutText, readOnly, words };
};

/** Takes the file with TLS settings out of the arguments; the system then dials as it says. */
const withTls = async (
  system: System,
  args: readonly string[],
): Promise<{ readonly system: System; readonly args: readonly string[] }> => {
  const index = args.indexOf(TLS_OPTION);
  if (index < 0) return { system, args };
  const file = args[index + 1];
  if (file === undefined) {
    throw new JavaFailure(
      'java.lang.IllegalArgumentException',
      `Error: no filename provided with option ${TLS_OPTION}`,
    );
  }
  const properties = await readProperties(system, file);
  const settings = zooKeeperTls((name) => properties.get(name) ?? null);
  const rest = args.toSpliced(index, 2);
  if (settings === null) return { system, args: rest };
  const net = tlsNet(system.net, await loadTls(system.disk, settings));
  return { system: { ...system, net }, args: rest };
};

const shellOptions = ({ sessionTimeoutText, readOnly }: Invocation): ShellOptions => ({
  sessionTimeoutMs: Number(parseInteger(sessionTimeoutText)),
  readOnly,
});

interface Use {
  readonly terminal: Terminal;
  readonly output: Output;
  readonly openEditor: OpenEditor | undefined;
  readonly words: readonly string[];
}

const use = async (shell: Shell, { terminal, output, openEditor, words }: Use): Promise<void> => {
  if (words.length > 0) return shell.run(words);
  output.out('Welcome to ZooKeeper!\n');
  if (openEditor !== undefined && terminal.isTerminal && terminal.isOutputTerminal) {
    return talk(shell, output, openEditor);
  }
  output.out('JLine support is disabled\n');
  for await (const line of linesOf(terminal)) {
    await shell.runLine(line);
    if (shell.hasQuit) return;
  }
};

const linesOf = async function* (terminal: Terminal): AsyncGenerator<string> {
  const splitter = new LineSplitter();
  for await (const chunk of terminal.input()) {
    for (const line of splitter.push(chunk)) yield line.toString('utf8');
  }
  const rest = splitter.finish();
  if (rest !== null) yield rest.toString('utf8');
};

/** At a terminal. What would end Java's shell is only told here: a slip of the finger should not cost the session. */
const talk = async (shell: Shell, output: Output, openEditor: OpenEditor): Promise<void> => {
  const editor = openEditor((line) => complete(line, shell.client));
  output.editor = editor;
  try {
    while (!shell.hasQuit) {
      const line = await editor.ask(() => shell.prompt);
      if (line === null) return;
      try {
        await shell.runLine(line);
      } catch (error) {
        if (!(error instanceof JavaFailure)) throw error;
        output.err(`${error.message}\n`);
      }
    }
  } finally {
    output.editor = null;
    editor.close();
  }
};
