/**
 * The shell: its session, its history, and how a line is carried out (ZooKeeperMain). What a command prints may come
 * before or behind the events of its session.
 */
import type { System } from '../../system/system.ts';
import { stripChroot } from '../../zookeeper/chroot.ts';
import { parseConnectString } from '../../zookeeper/connect-string.ts';
import { ZooKeeperError } from '../../zookeeper/errors.ts';
import { JavaFailure } from '../options/java-failure.ts';
import { logLine } from '../output.ts';
import { type Call, type Command, type Printer, parseInteger } from './call.ts';
import { ShellClient } from './client.ts';
import { commandOf, helpText, isCommand } from './commands.ts';
import { CommandFailure, sentenceFor } from './failures.ts';
import { checkPath } from './paths.ts';
import { ShellSession } from './session.ts';
import { parseWords, wordsOf } from './words.ts';

export interface ShellOptions {
  readonly sessionTimeoutMs: number;
  readonly readOnly: boolean;
}

const HISTORY_SHOWN_COUNT = 10;
const UNKNOWN_COMMAND_CODE = 127;

export class Shell {
  /** That of the last command. */
  exitCode = 0;
  hasQuit = false;
  readonly #system: System;
  readonly #printer: Printer;
  readonly #options: ShellOptions;
  readonly #history: string[] = [];
  #address = '';
  #session: ShellSession | null = null;
  #client: ShellClient | null = null;
  #printsWatches = true;
  #words: readonly string[] = [];
  /** Lines before the one that runs. */
  #lineCount = 0;

  constructor(system: System, printer: Printer, options: ShellOptions) {
    this.#system = system;
    this.#printer = printer;
    this.#options = options;
  }

  get prompt(): string {
    return `[zk: ${this.#address}(${this.#session?.state ?? 'CLOSED'}) ${this.#lineCount}] `;
  }

  /** Null when there is no session. */
  get client(): ShellClient | null {
    return this.#session?.isAlive ? this.#client : null;
  }

  /** Ends the session there is and begins another, in the background; throws for an address that is none. */
  async connect(address: string): Promise<void> {
    await this.#session?.close();
    this.#address = address;
    const { servers, chroot } = parseAddress(address);
    this.#session = new ShellSession(
      this.#system,
      { servers, ...this.#options },
      {
        state: (state) => this.#tell(state, 'None', null),
        watch: (event, path) => this.#tell('SyncConnected', event, stripChroot(chroot, path)),
        unreachable: (sessionId, { host, port }, error) => {
          const server = `${host}:${port}`;
          this.#printer.err(unreachableText(this.#system.clock.nowMs(), sessionId, server, error));
        },
      },
    );
    this.#client = new ShellClient(this.#session, chroot);
  }

  /** A line as it was typed; nothing for an empty one. */
  async runLine(line: string): Promise<void> {
    if (line === '') return;
    // A line without words runs the one before once more, as in Java.
    const words = wordsOf(line);
    if (words.length > 0) this.#words = words;
    this.#history[this.#lineCount] = line;
    try {
      await this.run(this.#words);
    } finally {
      this.#lineCount += 1;
    }
  }

  /** Runs a command; its failure is printed. Throws JavaFailure for what would end Java's shell. */
  async run(words: readonly string[]): Promise<void> {
    try {
      await this.#carryOut(words);
      this.exitCode = this.hasQuit ? this.exitCode : 0;
    } catch (error) {
      const failure = error instanceof ZooKeeperError ? asFailure(error) : error;
      if (!(failure instanceof CommandFailure)) throw failure;
      this.exitCode = failure.exitCode;
      this.#printer.err(`${failure.message}\n`);
    }
  }

  /** Leaves the session to itself. Its ephemeral nodes stay until it has expired, as with Java's shell. */
  abandon(): void {
    this.#session?.abandon();
  }

  async #carryOut(words: readonly string[]): Promise<void> {
    const [name = '', argument] = words;
    if (!isCommand(name)) {
      this.#printer.err(helpText());
      throw new CommandFailure(
        `Command not found: Command not found ${name}`,
        UNKNOWN_COMMAND_CODE,
      );
    }
    await this.#runOwn(name, argument);
    if (this.hasQuit) return;
    if (this.client === null) return this.#printer.out('Not connected\n');
    if (name === 'close') return this.#session?.close();
    const command = commandOf(name);
    if (command !== undefined) await this.#runCommand(name, command, words, this.client);
  }

  async #runOwn(name: string, argument: string | undefined): Promise<void> {
    switch (name) {
      case 'quit':
        this.hasQuit = true;
        return this.#session?.close();
      case 'redo':
        return argument === undefined ? undefined : this.#redo(argument);
      case 'history':
        return this.#showHistory();
      case 'printwatches': {
        if (argument !== undefined) this.#printsWatches = argument === 'on';
        else this.#printer.out(`printwatches is ${this.#printsWatches ? 'on' : 'off'}\n`);
        return;
      }
      case 'connect':
        return this.connect(argument ?? this.#address);
    }
  }

  async #redo(argument: string): Promise<void> {
    const index = Number(parseInteger(argument));
    if (index < 0 || index >= this.#lineCount) {
      throw new CommandFailure('Command index out of range');
    }
    const line = this.#history[index] ?? '';
    const words = wordsOf(line);
    if (words[0] === 'redo') throw new CommandFailure('No redoing redos');
    this.#history[this.#lineCount] = line;
    await this.run(words);
  }

  #showHistory(): void {
    const first = Math.max(0, this.#lineCount - HISTORY_SHOWN_COUNT);
    for (let index = first; index <= this.#lineCount; index++) {
      this.#printer.out(`${index} - ${this.#history[index] ?? 'null'}\n`);
    }
  }

  async #runCommand(
    name: string,
    command: Command,
    words: readonly string[],
    client: ShellClient,
  ): Promise<void> {
    const usage = `${name} ${command.usage}`;
    let parsed = command.ignoresWords
      ? { args: words, options: new Map<string, string>() }
      : parseWords(words, command);
    const call = (): Call => ({
      ...parsed,
      client,
      printer: this.#printer,
      tellWatch: (event, path) => this.#tell('SyncConnected', event, path),
      readFile: (path) => this.#system.disk.readFile(path),
    });
    command.before?.(call());
    const { wordCountMin = 1, wordCountMax = Number.POSITIVE_INFINITY } = command;
    const count = parsed.args.length;
    if (count < wordCountMin || count > wordCountMax) throw new CommandFailure(usage);
    if (command.hasOldWatchForm && count > 2) {
      this.#printer.err(
        `'${name} path [watch]' has been deprecated. Please use '${newWatchForm(name)} path' instead.\n`,
      );
      parsed = parseWords(words.with(2, '-w'), command);
    }
    await command.run(call());
  }

  #tell(state: string, type: string, path: string | null): void {
    if (!this.#printsWatches) return;
    this.#printer.out(`\nWATCHER::\n\nWatchedEvent state:${state} type:${type} path:${path}\n`);
  }
}

const newWatchForm = (name: string): string => (name === 'get' ? 'get [-s] [-w]' : `${name} [-w]`);

const asFailure = (error: ZooKeeperError): CommandFailure => new CommandFailure(sentenceFor(error));

const parseAddress = (address: string): ReturnType<typeof parseConnectString> => {
  const slash = address.indexOf('/');
  try {
    if (slash !== -1 && slash < address.length - 1) checkPath(address.slice(slash));
    return parseConnectString(address);
  } catch (error) {
    const message =
      error instanceof CommandFailure
        ? error.message
        : `${address} names no server: write host:port, or host:port/path.`;
    throw new JavaFailure('java.lang.IllegalArgumentException', message);
  }
};

/** The line that Java's client logs, and Java's name for the reason. */
const unreachableText = (
  nowMs: number,
  sessionId: bigint,
  server: string,
  error: unknown,
): string => {
  const message = `Session 0x${sessionId.toString(16)} for server ${server}, Closing socket connection. Attempting reconnect except it is a SessionExpiredException.`;
  const { code, message: reason } = error as { readonly code?: string; readonly message: string };
  const cause =
    code === 'ECONNREFUSED'
      ? 'java.net.ConnectException: Connection refused'
      : `java.io.IOException: ${reason}`;
  return `${logLine(nowMs, 'WARN', message, 'org.apache.zookeeper.ClientCnxn')}${cause}\n`;
};
