/**
 * Processes for the compat suites: programs that run to their end, servers that stay, folders. What a suite has
 * started is ended and removed by `cleanUp`, which belongs into its afterAll.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Server {
  readonly pid: number;
  /** Everything it has said so far. */
  readonly output: string;
  /** Resolves when its output matches; rejects, with the output, when it ends before. */
  says(pattern: RegExp): Promise<void>;
  /** Sends the signal and resolves when the process has ended. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** A folder for what servers say, to look at after a failure. */
const LOGS = process.env.COMPAT_LOGS;
const RUN_MS_MAX = 120_000;
const POLL_MS = 50;
const OUTPUT_SHOWN = 3_000;
/** No server says this: what waits for it hears of the end of the process. */
const NOTHING = /$^x/;

const servers: Server[] = [];
const folders: string[] = [];

/** Ends the servers, the last one started first, and removes the folders. */
export const cleanUp = async (): Promise<void> => {
  for (const server of servers.splice(0).reverse()) await server.end('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'barnabas-compat-'));
  folders.push(folder);
  return folder;
};

/** Runs a program to its end; rejects when a signal ends it, as one does after two minutes. */
export const run = (command: string, args: readonly string[], input = ''): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: RUN_MS_MAX, killSignal: 'SIGKILL' });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code !== null) return resolve({ code, ...output });
      const said = `${output.stdout}\n${output.stderr}`.slice(-OUTPUT_SHOWN);
      reject(new Error(`${[command, ...args].join(' ')} was ended by ${signal}:\n${said}`));
    });
    // A program that does not read its input to the end may have gone before all is written.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });

/** Starts a program that stays. */
export const startServer = (command: string, args: readonly string[]): Server => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = new RunningServer(child, [command, ...args].join(' '));
  servers.push(server);
  return server;
};

/** Asks again and again until the answer is yes; rejects, with its output, when the server ends before. */
export const until = async (server: Server, isReady: () => Promise<boolean>): Promise<void> => {
  let hasEnded = false;
  const ended = server.says(NOTHING).catch((error: unknown) => {
    hasEnded = true;
    throw error;
  });
  const ready = async (): Promise<void> => {
    while (!hasEnded && !(await isReady())) await pause(POLL_MS);
  };
  await Promise.race([ready(), ended]);
};

/**
 * Resolves when the server takes connections on the port. To try whether one could listen there oneself would be in the
 * server's way just when it begins to.
 */
export const listening = (server: Server, port: number): Promise<void> =>
  until(
    server,
    () =>
      new Promise((done) => {
        const socket = createConnection({ port, host: '127.0.0.1' }, () => {
          socket.destroy();
          done(true);
        });
        socket.once('error', () => done(false));
      }),
  );

export const pause = (ms: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

class RunningServer implements Server {
  output = '';
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #ended: Promise<void>;
  #hasEnded = false;
  #onChange: () => void = () => {};

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        if (LOGS !== undefined) appendFileSync(join(LOGS, `${this.pid}.log`), text);
        this.#onChange();
      });
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        this.#hasEnded = true;
        this.#onChange();
        resolve();
      });
      child.once('error', (error) => {
        this.output += String(error);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  says(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onChange = () => {
        if (pattern.test(this.output)) return resolve();
        if (this.#hasEnded)
          reject(new Error(`${this.#name} has ended:\n${this.output.slice(-OUTPUT_SHOWN)}`));
      };
      this.#onChange();
    });
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.#hasEnded) this.#child.kill(signal);
    await this.#ended;
  }
}
