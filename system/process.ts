/**
 * The process itself: arguments, standard streams, signals, exit, and child processes of our own programs. Only executables
 * (tools/) use it; nothing below them may know that it runs in a process of its own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { clearScreenDown, createInterface, cursorTo } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

export const program = {
  /** Arguments behind the program's own name. */
  get arguments(): string[] {
    return process.argv.slice(2);
  },
  get pid(): number {
    return process.pid;
  },
  environment: (name: string): string | undefined => process.env[name],
  get workingDirectory(): string {
    return process.cwd();
  },
  /** Writes to standard output; waits while the reader is slower. False: nobody reads any more. */
  print: (data: string | Buffer): Promise<boolean> => write(process.stdout, data),
  /** Writes to standard error. */
  printError: (text: string): Promise<boolean> => write(process.stderr, text),
  get isTerminal(): boolean {
    return process.stdin.isTTY === true;
  },
  get isOutputTerminal(): boolean {
    return process.stdout.isTTY === true;
  },
  get temporaryDirectory(): string {
    return tmpdir();
  },
  get columns(): number {
    return process.stdout.columns ?? 80;
  },
  /** Lines of standard input. */
  lines: (): AsyncIterable<string> => createInterface({ input: process.stdin, terminal: false }),
  /** Chunks of standard input. */
  input: (): AsyncIterable<Buffer> => process.stdin,
  /** A line editor at the terminal: cursor keys, lines typed before, completion with Tab. */
  openLineEditor: (complete: Completer): LineEditor => openLineEditor(complete),
  /**
   * Has the garbage collector run often enough to keep the heap close to what is in use, where by itself it would let it
   * double. For programs whose objects live either shortly or for good (docs/decisions/zookeeper-memory.md).
   */
  keepHeapSmall: (): void => {
    // New objects are looked through after each megabyte, all others when the heap has grown by a fifth.
    setFlagsFromString('--semi-space-growth-factor=1');
    setFlagsFromString('--heap-growing-percent=20');
  },
  /** Calls back at each of the signals, instead of what they would do. */
  onSignal: (signals: readonly Signal[], callback: (signal: Signal) => void): void => {
    for (const signal of signals) process.on(signal, () => callback(signal));
  },
  /** Calls back when the process that started this one has gone (only where it keeps a channel, see `startChild`). */
  onParentGone: (callback: () => void): void => {
    if (process.channel !== undefined) process.on('disconnect', callback);
  },
  /** Tells the process that started this one, if it listens. */
  tellParent: (message: object): void => {
    process.send?.(message);
  },
  /** Ends the process at once with `code`. */
  exit: (code: number): never => process.exit(code),
  /** The code with which the process will end by itself. */
  setExitCode: (code: number): void => {
    process.exitCode = code;
  },
  /** The last resort for errors nobody caught. */
  onUncaught: (callback: (error: unknown) => void): void => {
    process.on('uncaughtException', callback);
    process.on('unhandledRejection', callback);
  },
};

/** Streams whose errors are looked after; one listener each, however often they are written to. */
const guarded = new WeakSet<NodeJS.WriteStream>();

const write = (stream: NodeJS.WriteStream, data: string | Buffer): Promise<boolean> =>
  new Promise((resolve) => {
    // A reader that has gone (| head) is no error of ours: there is nobody left to tell.
    if (!guarded.has(stream)) stream.on('error', () => {});
    guarded.add(stream);
    stream.write(data, (error) => resolve(error === undefined || error === null));
  });

/** What may replace the end of a line, and that end. */
export type Completer = (line: string) => Promise<readonly [readonly string[], string]>;

export interface LineEditor {
  /**
   * Asks for a line; null at the end of input, or when the user has pressed Ctrl-C or Ctrl-D. `prompt` is called again
   * whenever the line is drawn anew.
   */
  ask(prompt: () => string): Promise<string | null>;
  /** Prints above the line that is being edited. */
  print(text: string): void;
  close(): void;
}

const openLineEditor = (complete: Completer): LineEditor => {
  const editor = createInterface({
    input: process.stdin,
    output: process.stdout,
    completer: (line: string, answer: (error: null, result: [string[], string]) => void) => {
      const found = ([choices, end]: readonly [readonly string[], string]): void =>
        answer(null, [[...choices], end]);
      complete(line).then(found, () => found([[], line]));
    },
  });
  // Lines that are pasted come faster than they are asked for.
  const lines: string[] = [];
  let isClosed = false;
  let answer: ((line: string | null) => void) | null = null;
  let currentPrompt = (): string => '';
  const settle = (line: string | null): void => {
    const waiting = answer;
    answer = null;
    if (waiting !== null) waiting(line);
    else if (line !== null) lines.push(line);
  };
  editor.on('line', settle);
  editor.on('close', () => {
    isClosed = true;
    settle(null);
  });
  return {
    ask: (prompt) =>
      new Promise((resolve) => {
        const line = lines.shift();
        if (line !== undefined) return resolve(line);
        if (isClosed) return resolve(null);
        answer = resolve;
        currentPrompt = prompt;
        editor.setPrompt(prompt());
        editor.prompt();
      }),
    print: (text) => {
      if (answer !== null) {
        cursorTo(process.stdout, 0);
        clearScreenDown(process.stdout);
      }
      process.stdout.write(text);
      if (answer === null) return;
      editor.setPrompt(currentPrompt());
      editor.prompt(true);
    },
    close: () => editor.close(),
  };
};

export interface Child {
  readonly pid: number;
  readonly hasEnded: boolean;
  kill(signal: Signal): void;
  /** Resolves when the process has ended: its exit code, or the signal that ended it. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/**
 * Starts one of our programs in a process of its own; `module` is its address (import.meta.resolve). Its output goes to
 * ours. It ends when this process ends, whatever the reason, because it listens for the loss of the channel.
 */
export const startChild = (
  module: string,
  args: readonly string[],
  options: {
    readonly nodeOptions?: readonly string[];
    readonly onMessage?: (message: unknown) => void;
    readonly hidesOutput?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Child => {
  const output = options.hidesOutput ? 'ignore' : 'inherit';
  const child: ChildProcess = fork(fileURLToPath(module), args, {
    execArgv: [...(options.nodeOptions ?? [])],
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', output, 'inherit', 'ipc'],
    // Ctrl-C in a terminal reaches every process of the group; the parent stops its children in order instead.
    detached: true,
  });
  if (options.onMessage !== undefined) child.on('message', options.onMessage);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 1, signal: null }));
  });
  return {
    pid: child.pid ?? -1,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
};
