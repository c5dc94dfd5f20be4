/**
 * What the log cleaner costs those who produce: `node dist/bench/cleaning.js [--rounds N] [--seconds S] [--rate N] [--keys N]
 * [--megabytes N] [--codec C]`, from the project's folder after `npm run build`. Turn by turn, without the cleaner and with it,
 * a fresh broker takes single records of 1 KB at a steady rate (acks=1), and from another process a load of keyed records for
 * a compacted topic with small segments, which is dirty all the time. Latencies run from the call of the producer to its
 * answer; figures are medians over the rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createAdmin, createProducer, throwFirst } from '../client/index.ts';
import type { Codec } from '../protocol/compression.ts';
import { realSystem } from '../system/system.ts';
import { freePort, median, startServer } from './processes.ts';

const VALUE_BYTES = 1024;
const STEADY_KEYS = 1000;
const STEADY = 'steady';
const COMPACTED = 'compacted';
const COMPACTED_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(1024 * 1024),
  'min.cleanable.dirty.ratio': '0.01',
  'file.delete.delay.ms': '1000',
};
const TICK_MS = 1;
const BACKGROUND_BATCH_BYTES = 512 * 1024;

interface Settings {
  readonly task: string | undefined;
  readonly port: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Records per second. */
  readonly rate: number;
  /** Of the compacted topic. */
  readonly keys: number;
  /** Per second, into the compacted topic. */
  readonly megabytes: number;
  readonly codec: Codec;
  readonly launcher: string;
}

type Figures = Record<string, number>;

const value = (): Buffer => {
  const bytes = Buffer.alloc(VALUE_BYTES, 'text that is there many times, ');
  for (let at = 0; at < VALUE_BYTES / 2; at += 4)
    bytes.writeUInt32LE(Math.floor(Math.random() * 2 ** 32), at);
  return bytes;
};

/** Calls `act` so many times a second, late rather than never, until it says false. */
const atRate = async (perSecond: number, act: () => boolean): Promise<void> => {
  const start = performance.now();
  for (let count = 0; ; await sleep(TICK_MS))
    for (const due = ((performance.now() - start) / 1000) * perSecond; count < due; count++)
      if (!act()) return;
};

const bootstrap = ({ port }: Settings): { bootstrapServers: string } => ({
  bootstrapServers: `127.0.0.1:${port}`,
});

/** The load that is measured. */
const runSteady = async (settings: Settings): Promise<Figures> => {
  const { rate, seconds, warmupSeconds } = settings;
  const options = { ...bootstrap(settings), acks: 1, enableIdempotence: false } as const;
  const producer = createProducer(realSystem(), options);
  const latencies: number[] = [];
  let failures = 0;
  const begin = performance.now() + warmupSeconds * 1000;
  const end = begin + seconds * 1000;
  let turn = 0;
  await atRate(rate, () => {
    const sent = performance.now();
    if (sent > end) return false;
    const key = `key-${turn++ % STEADY_KEYS}`;
    producer.post({ topic: STEADY, key, value: value() }, (error) => {
      if (error !== null) failures += 1;
      else if (sent > begin) latencies.push(performance.now() - sent);
    });
    return true;
  });
  await producer.close();
  if (failures > 0) throw new Error(`${failures} records were refused`);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { 'p50, ms': at(0.5), 'p99, ms': at(0.99), 'p99.9, ms': at(0.999) };
};

/** The load on the compacted topic, until it is killed. */
const runBackground = async (settings: Settings): Promise<void> => {
  const producer = createProducer(realSystem(), {
    ...bootstrap(settings),
    acks: 1,
    enableIdempotence: false,
    batchSize: BACKGROUND_BATCH_BYTES,
    lingerMs: 1000,
    compressionType: settings.codec,
  });
  await atRate((settings.megabytes * 1e6) / VALUE_BYTES, () => {
    const key = `key-${Math.floor(Math.random() * settings.keys)}`;
    producer.post({ topic: COMPACTED, key, value: value() });
    return true;
  });
};

/** This program again, with the same options. */
const startLoad = (task: string, port: number): ChildProcess =>
  spawn(process.execPath, [...process.argv.slice(1), '--task', task, '--port', String(port)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const answerOf = (load: ChildProcess): Promise<Figures> =>
  new Promise((resolve, reject) => {
    load.once('close', () => reject(new Error('the load has ended without figures')));
    load.once('message', (message) => resolve(message as Figures));
  });

const createTopics = async (port: number): Promise<void> => {
  const admin = createAdmin(realSystem(), { bootstrapServers: `127.0.0.1:${port}` });
  const one = { numPartitions: 1, replicationFactor: 1 };
  try {
    const topics = [
      { name: STEADY, ...one },
      { name: COMPACTED, ...one, configs: COMPACTED_CONFIG },
    ];
    throwFirst(await admin.createTopics(topics));
  } finally {
    admin.close();
  }
};

const logBytes = (directory: string): number =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

/** A fresh broker with or without its cleaner, under both loads. */
const takeTurn = async (settings: Settings, hasCleaner: boolean): Promise<Figures> => {
  const { launcher } = settings;
  const folder = mkdtempSync(join(tmpdir(), 'cleaning-'));
  const children: ChildProcess[] = [];
  try {
    const zookeeperPort = await freePort();
    const zookeeper = [launcher, 'zookeeper', String(zookeeperPort), join(folder, 'zookeeper')];
    children.push(await startServer(zookeeper, zookeeperPort));
    const port = await freePort();
    const address = `127.0.0.1:${zookeeperPort}`;
    const cleaner = [`log.cleaner.enable=${hasCleaner}`, 'log.cleaner.backoff.ms=100'];
    const broker = [launcher, 'broker', '1', String(port), address, join(folder, 'broker')];
    children.push(await startServer([...broker, ...cleaner], port));
    await createTopics(port);
    children.push(startLoad('background', port));
    const load = startLoad('steady', port);
    children.push(load);
    const figures = await answerOf(load);
    const bytes = logBytes(join(folder, 'broker', 'data', `${COMPACTED}-0`));
    return { ...figures, 'compacted topic at the end, MB': bytes / 1e6 };
  } finally {
    for (const child of children.reverse()) await kill(child);
    rmSync(folder, { recursive: true, force: true });
  }
};

const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
};

const read = (): Settings => {
  const { values } = parseArgs({
    options: {
      task: { type: 'string' },
      port: { type: 'string', default: '0' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '15' },
      warmup: { type: 'string', default: '5' },
      rate: { type: 'string', default: '500' },
      keys: { type: 'string', default: '10000' },
      megabytes: { type: 'string', default: '4' },
      codec: { type: 'string', default: 'none' },
      launcher: { type: 'string', default: 'bench/barnabas' },
    },
  });
  const { task, codec, launcher } = values;
  return {
    task,
    port: Number(values.port),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    warmupSeconds: Number(values.warmup),
    rate: Number(values.rate),
    keys: Number(values.keys),
    megabytes: Number(values.megabytes),
    codec: codec as Codec,
    launcher: resolve(launcher),
  };
};

const main = async (): Promise<void> => {
  const settings = read();
  if (settings.task === 'background') return runBackground(settings);
  if (settings.task === 'steady') {
    process.send?.(await runSteady(settings));
    return process.disconnect?.();
  }
  const without: Figures[] = [];
  const withCleaner: Figures[] = [];
  for (let round = 0; round < settings.rounds; round++) {
    without.push(await takeTurn(settings, false));
    withCleaner.push(await takeTurn(settings, true));
  }
  process.stdout.write('| | cleaner off | cleaner on | ratio |\n|---|---|---|---|\n');
  for (const name of Object.keys(without[0] ?? {})) {
    const [off, on] = [without, withCleaner].map((turns) =>
      median(turns.map((figures) => figures[name] ?? Number.NaN)),
    ) as [number, number];
    const cells = [off, on, on / off].map((cell) => cell.toFixed(2));
    process.stdout.write(`| ${[name, ...cells].join(' | ')} |\n`);
  }
};

await main();
