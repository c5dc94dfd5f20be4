/**
 * ZooKeeper servers side by side: `node dist/bench/zookeeper-servers.js [--turns N] [--seconds S] [--nodes N] [--sessions]
 * NAME=COMMAND...`, where a COMMAND may use PORT and DIR: `embedded='bench/barnabas zookeeper PORT DIR'`. Turn by turn, each
 * starts empty and is asked by as many clients as a row says, each with one request under way; the clients share a process of
 * their own. Medians come out as a table: requests per second, start, memory, also with a number of nodes that does not
 * depend on speed (--nodes), and that of many sessions with watches (--sessions).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realSystem } from '../system/system.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { connectWireClient } from '../zookeeper/wire-client.ts';
import { commandWith, freePort, median, rate, startServer } from './processes.ts';

const CLIENT_COUNTS = [1, 64];
const SESSION_COUNT = 10_000;
const WATCHES_PER_SESSION = 10;
const CONNECTS_AT_A_TIME = 100;
const DATA = Buffer.alloc(200, 7);
const NODE_DATA = Buffer.alloc(100, 7);

type Figures = Record<string, number>;

interface Options {
  readonly seconds: number;
  /** How many nodes to make before all else. */
  readonly nodes: number;
  readonly sessions: boolean;
}

const connect = (port: number): Promise<ZooKeeperClient> =>
  connectWireClient(realSystem(), {
    connectString: `127.0.0.1:${port}`,
    sessionTimeoutMs: 60_000,
    connectionTimeoutMs: 60_000,
  });

/** `count` clients, a few of them dialling at a time. */
const connectMany = async (port: number, count: number): Promise<ZooKeeperClient[]> => {
  const clients: ZooKeeperClient[] = [];
  while (clients.length < count) {
    const next = Math.min(CONNECTS_AT_A_TIME, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: next }, () => connect(port)))));
  }
  return clients;
};

const measureRequests = async (port: number, seconds: number): Promise<Figures> => {
  const figures: Figures = {};
  for (const count of CLIENT_COUNTS) {
    const clients = await connectMany(port, count);
    const root = await (clients[0] as ZooKeeperClient).create('/bench-', DATA, {
      mode: 'persistent-sequential',
    });
    let turn = 0;
    const next = (): ZooKeeperClient => clients[turn++ % count] as ZooKeeperClient;
    const operations: Record<string, () => Promise<unknown>> = {
      create: () => next().create(`${root}/${turn}`, DATA),
      set: () => next().setData(root, DATA),
      get: () => next().getData(root),
    };
    await rate(seconds, count, operations.set as () => Promise<unknown>);
    for (const [operation, act] of Object.entries(operations)) {
      const { perSecond } = await rate(seconds, count, act);
      figures[`${operation}, ${count} clients, per second`] = perSecond;
    }
    await Promise.all(clients.map((client) => client.close()));
  }
  return figures;
};

/** Makes nodes of 100 bytes, writes to each once more, and reads each. */
const fillTree = async (port: number, nodeCount: number): Promise<void> => {
  const clients = await connectMany(port, Math.max(...CLIENT_COUNTS));
  const root = await (clients[0] as ZooKeeperClient).create('/nodes', NODE_DATA);
  const each = async (act: (client: ZooKeeperClient, path: string) => Promise<unknown>) => {
    let next = 0;
    const work = async (client: ZooKeeperClient): Promise<void> => {
      while (next < nodeCount) await act(client, `${root}/${next++}`);
    };
    await Promise.all(clients.map(work));
  };
  await each((client, path) => client.create(path, NODE_DATA));
  await each((client, path) => client.setData(path, NODE_DATA));
  await each((client, path) => client.getData(path));
  await Promise.all(clients.map((client) => client.close()));
};

/** Opens many sessions with watches, and keeps them until it is ended. */
const holdSessions = async (port: number): Promise<void> => {
  const clients = await connectMany(port, SESSION_COUNT);
  for (const [index, client] of clients.entries()) {
    const paths = Array.from({ length: WATCHES_PER_SESSION }, (_, watch) => `/w-${index}-${watch}`);
    // A read arms a watch only where somebody wants to be told.
    for (const path of paths) client.watchNode(path, () => {});
    await Promise.all(paths.map((path) => client.exists(path)));
  }
};

const residentMb = (pid: number): number => {
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
};

/** This program again, as the clients of a server. */
const runClients = (task: string, port: number, { seconds, nodes }: Options): ChildProcess => {
  const options = { task, port, seconds, nodes };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return spawn(process.execPath, [process.argv[1] ?? '', ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
};

const answerOf = (clients: ChildProcess): Promise<Figures> =>
  new Promise((resolve, reject) => {
    clients.once('close', () => reject(new Error('the clients ended without figures')));
    clients.once('message', (message) => resolve(message as Figures));
  });

const takeTurn = async (command: readonly string[], options: Options): Promise<Figures> => {
  const tasks = ['requests'];
  if (options.nodes > 0) tasks.unshift('nodes');
  if (options.sessions) tasks.push('sessions');
  const folder = mkdtempSync(join(tmpdir(), 'zookeeper-servers-'));
  const port = await freePort();
  const start = performance.now();
  const server = await startServer(commandWith(command, port, folder), port);
  const figures: Figures = { 'start, ms': performance.now() - start };
  const pid = server.pid ?? -1;
  try {
    for (const task of tasks) {
      const clients = runClients(task, port, options);
      Object.assign(figures, await answerOf(clients));
      figures[`memory after ${task}, MB`] = residentMb(pid);
      clients.kill();
    }
    return figures;
  } finally {
    const ended = new Promise((resolve) => server.once('close', resolve));
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
};

const runTask = async (task: string, port: number, options: Options): Promise<void> => {
  const figures = task === 'requests' ? await measureRequests(port, options.seconds) : {};
  if (task === 'nodes') await fillTree(port, options.nodes);
  if (task === 'sessions') await holdSessions(port);
  process.send?.(figures);
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      task: { type: 'string' },
      port: { type: 'string' },
      seconds: { type: 'string', default: '3' },
      turns: { type: 'string', default: '3' },
      nodes: { type: 'string', default: '0' },
      sessions: { type: 'boolean', default: false },
    },
  });
  const { sessions } = values;
  const options = { seconds: Number(values.seconds), nodes: Number(values.nodes), sessions };
  if (values.task !== undefined) return runTask(values.task, Number(values.port), options);
  const servers = positionals.map((text) => {
    const at = text.indexOf('=');
    return {
      name: text.slice(0, at),
      command: text.slice(at + 1).split(' '),
      turns: [] as Figures[],
    };
  });
  for (let turn = 0; turn < Number(values.turns); turn++)
    for (const { command, turns } of servers) turns.push(await takeTurn(command, options));
  const rows = Object.keys(servers[0]?.turns[0] ?? {}).map((figure) => {
    const cells = servers.map(({ turns }) => median(turns.map((one) => one[figure] ?? 0)));
    return `| ${[figure, ...cells.map((cell) => cell.toFixed(0))].join(' | ')} |`;
  });
  const names = servers.map(({ name }) => name).join(' | ');
  process.stdout.write(
    `| | ${names} |\n|---|${'---|'.repeat(servers.length)}\n${rows.join('\n')}\n`,
  );
};

await main();
