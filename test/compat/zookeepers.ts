/**
 * Single ZooKeeper servers as processes, the embedded one and the real one, and foreign clients that run a script against
 * either and tell the outcome of each step. The same script must tell the same of both.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../support/free-ports.ts';
import { startRelay } from '../zookeeper/relay.ts';
import { newFolder, type Server, startServer, until } from './processes.ts';
import { commandOf } from './software.ts';

/** The embedded server, ZooKeeper 3.8.4 (which comes with Apache Kafka), Debian's 3.8.0 or later. */
export type ServerKind = 'embedded' | 'ZOOKEEPER' | 'DEBIAN_ZOOKEEPER';

export interface ZooKeeperProcess {
  readonly port: number;
  readonly connectString: string;
  /** Kills the process and starts another one on the same files. */
  restart(): Promise<void>;
}

/** The outcomes of a script by section, in order. */
export type Answers = ReadonlyMap<string, readonly Answer[]>;

interface Answer {
  readonly step: string;
  readonly result: unknown;
}

const TICK_TIME_MS = 500;
/** Beyond twenty ticks: the clients' sessions outlive the start of a JVM. */
const SESSION_MS_MAX = 60_000;
const ANSWER_MS_MAX = 1_000;
const SCRIPT_MS_MAX = 240_000;

/** The program and its leading arguments; a file of settings follows. */
const commandFor = (kind: ServerKind): string[] =>
  kind === 'embedded'
    ? [process.execPath, resolve('bin/zookeeper-server-start')]
    : commandOf(kind).split(' ');

/** Starts an empty server, with more settings and options of Java where they are given; resolves when it serves. */
export const startZooKeeper = async (
  kind: ServerKind,
  moreSettings: readonly string[] = [],
  javaOptions = '',
): Promise<ZooKeeperProcess> => {
  const folder = newFolder();
  const [port = 0] = await freePorts(1);
  mkdirSync(`${folder}/data`);
  const settings = `${folder}/zoo.cfg`;
  const lines = [
    ...[`tickTime=${TICK_TIME_MS}`, `dataDir=${folder}/data`, `clientPort=${port}`],
    ...['clientPortAddress=127.0.0.1', 'maxClientCnxns=0', 'admin.enableServer=false'],
    ...['4lw.commands.whitelist=*', `maxSessionTimeout=${SESSION_MS_MAX}`],
    ...moreSettings,
  ];
  writeFileSync(settings, lines.map((line) => `${line}\n`).join(''));
  const [program = '', ...leading] = [
    'env',
    `JAVA_TOOL_OPTIONS=${javaOptions}`,
    ...commandFor(kind),
  ];
  const start = async (): Promise<Server> => {
    const server = startServer(program, [...leading, settings]);
    // It says `imok` before it serves.
    await until(server, async () => (await isReadOnly(port)) === 'rw');
    return server;
  };
  let server = await start();
  return {
    port,
    connectString: `127.0.0.1:${port}`,
    restart: async () => {
      await server.end('SIGKILL');
      server = await start();
    },
  };
};

/**
 * Runs a script to its end against an empty server of this kind. Each line it prints is a step ({"section", "step",
 * "result"}) or a wish ({"ask": "restart"}), which is granted and confirmed by a line on its standard input. `{zookeeper}` in
 * an argument stands for the server's address.
 */
export const answersOf = async (
  kind: ServerKind,
  command: string,
  args: readonly string[],
): Promise<Answers> => {
  const zookeeper = await startZooKeeper(kind);
  // No client meets the server half started: for some 20 ms of its start ZooKeeper takes connections that it then neither
  // answers nor ends, and kazoo waits for an answer as long as its session lasts.
  const relay = await startRelay(zookeeper.port);
  const child = spawn(
    command,
    args.map((arg) => arg.replace('{zookeeper}', `127.0.0.1:${relay.port}`)),
    { timeout: SCRIPT_MS_MAX, killSignal: 'SIGKILL' },
  );
  const ended = new Promise<number | null>((done, reject) => {
    child.once('error', reject);
    child.once('close', done);
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const answers = new Map<string, Answer[]>();
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      // Packages print, too.
      if (!line.startsWith('{')) continue;
      const told = JSON.parse(line) as Answer & { ask?: string; section: string };
      if (told.ask === 'restart') {
        relay.isClosed = true;
        relay.cut();
        await zookeeper.restart();
        relay.isClosed = false;
        child.stdin.write('restarted\n');
        continue;
      }
      const { section, step, result } = told;
      answers.set(section, [...(answers.get(section) ?? []), { step, result }]);
    }
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    await relay.close();
  }
  const code = await ended;
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${complaints.slice(-3000)}`);
  return answers;
};

const isReadOnly = (port: number): Promise<string> =>
  new Promise((done) => {
    let answer = '';
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('isro'));
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    // ZooKeeper leaves a connection without an answer that came at the wrong moment of its start.
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', () => done(answer));
  });
