/**
 * The two ZooKeeper clients side by side: `node dist/bench/zookeeper-clients.js [--turns N] [--seconds S] COMMAND...`, where
 * COMMAND starts a ZooKeeper server and may use PORT and DIR: `bench/barnabas zookeeper PORT DIR`. Each turn gives each client
 * a process of its own; the medians come out as a table. Round trips per second, CPU time of the client, memory of its watches,
 * and how long after a kill -9 and restart of the server the next request is answered.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realSystem } from '../system/system.ts';
import { connectNodeClient } from '../zookeeper/node-client.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { connectWireClient } from '../zookeeper/wire-client.ts';
import { commandWith, freePort, median, rate, startServer } from './processes.ts';

const clients = { 'node-zookeeper-client': connectNodeClient, wire: connectWireClient };
type ClientName = keyof typeof clients;

const WATCH_COUNT = 10_000;
const RESTART_COUNT = 5;
const DATA = Buffer.alloc(200, 7);

type Figures = Record<string, number>;

const heapBytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const measureRequests = async (client: ZooKeeperClient, seconds: number): Promise<Figures> => {
  const figures: Figures = {};
  const root = await client.create('/bench-', DATA, { mode: 'persistent-sequential' });
  let name = 0;
  const operations: Record<string, () => Promise<unknown>> = {
    create: () => client.create(`${root}/${name++}`, DATA),
    setData: () => client.setData(root, DATA),
    getData: () => client.getData(root),
  };
  await rate(seconds, 10, () => client.getData(root));
  for (const [operation, act] of Object.entries(operations)) {
    for (const inFlight of [1, 10]) {
      const { perSecond, cpuMicros } = await rate(seconds, inFlight, act);
      figures[`${operation}, ${inFlight} in flight, per second`] = perSecond;
      figures[`${operation}, ${inFlight} in flight, CPU us`] = cpuMicros;
    }
  }
  return figures;
};

const measureWatches = async (client: ZooKeeperClient): Promise<Figures> => {
  const before = heapBytes();
  const start = performance.now();
  const paths = Array.from({ length: WATCH_COUNT }, (_, index) => `/watched-${index}`);
  for (const path of paths) client.watchNode(path, () => {});
  await Promise.all(paths.map((path) => client.exists(path)));
  const durationMs = performance.now() - start;
  return { 'watches armed, ms': durationMs, 'watches, heap MiB': (heapBytes() - before) / 2 ** 20 };
};

/** Asks for a kill and restart of the server; measures from the moment it accepts connections. */
const measureRestarts = async (client: ZooKeeperClient): Promise<Figures> => {
  const durations: number[] = [];
  for (let round = 0; round < RESTART_COUNT; round++) {
    const restarted = new Promise<void>((resolve) => process.once('message', () => resolve()));
    process.send?.('restart');
    await restarted;
    const start = performance.now();
    await client.exists('/');
    durations.push(performance.now() - start);
  }
  return { 'after a restart, with its watches, ms': median(durations) };
};

/** One client in a process of its own. */
const runClient = async (name: ClientName, port: number, seconds: number): Promise<void> => {
  const client = await clients[name](realSystem(), {
    connectString: `127.0.0.1:${port}`,
    sessionTimeoutMs: 30_000,
    connectionTimeoutMs: 30_000,
  });
  const figures = {
    ...(await measureRequests(client, seconds)),
    ...(await measureWatches(client)),
    ...(await measureRestarts(client)),
  };
  await client.close();
  process.send?.(figures);
};

/** A fresh server, and one client that measures itself against it. */
const takeTurn = async (
  name: ClientName,
  command: readonly string[],
  seconds: number,
): Promise<Figures> => {
  const folder = mkdtempSync(join(tmpdir(), 'zookeeper-clients-'));
  const port = await freePort();
  const filled = commandWith(command, port, folder);
  let server = await startServer(filled, port);
  const end = (): Promise<unknown> => {
    const ended = new Promise((resolve) => server.once('close', resolve));
    server.kill('SIGKILL');
    return ended;
  };
  const args = ['--client', name, '--port', String(port), '--seconds', String(seconds)];
  const client = spawn(process.execPath, ['--expose-gc', process.argv[1] ?? '', ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const measured = new Promise<Figures>((resolve, reject) => {
    client.once('close', () => reject(new Error(`${name} ended without figures`)));
    client.on('message', async (message) => {
      if (message !== 'restart') return resolve(message as Figures);
      await end();
      server = await startServer(filled, port);
      client.send('restarted');
    });
  });
  try {
    return await measured;
  } finally {
    client.kill();
    await end();
    rmSync(folder, { recursive: true, force: true });
  }
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      client: { type: 'string' },
      port: { type: 'string' },
      seconds: { type: 'string', default: '2' },
      turns: { type: 'string', default: '3' },
    },
  });
  const seconds = Number(values.seconds);
  if (values.client !== undefined)
    return runClient(values.client as ClientName, Number(values.port), seconds);
  const names = Object.keys(clients) as ClientName[];
  const all = new Map<ClientName, Figures[]>(names.map((name) => [name, []]));
  for (let turn = 0; turn < Number(values.turns); turn++)
    for (const name of names) all.get(name)?.push(await takeTurn(name, positionals, seconds));
  const rows = Object.keys(all.get('wire')?.[0] ?? {}).map((figure) => {
    const cells = names.map((name) => median((all.get(name) ?? []).map((one) => one[figure] ?? 0)));
    return `| ${[figure, ...cells.map((cell) => cell.toFixed(cell < 100 ? 1 : 0))].join(' | ')} |`;
  });
  process.stdout.write(`| | ${names.join(' | ')} |\n|---|---|---|\n${rows.join('\n')}\n`);
};

await main();
