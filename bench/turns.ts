/**
 * Brokers side by side: `node dist/bench/turns.js [--turns N] [--seconds S] [--warmup S] [--rows LIST] [--harness DIR]
 * NAME=PROGRAM...`, where a PROGRAM has the harness' two calls: `barnabas=bench/barnabas kafka=../shared/apache-kafka/ak`.
 * One broker of each is up all the time, and for each row the load generator goes from one to the next, again and again.
 * Measured one after the other, whoever comes second finds memory that the first has warmed for it, worth up to a third.
 * Medians come out as a table; above 1 the first one is better.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createAdmin, throwFirst } from '../client/index.ts';
import { realSystem } from '../system/system.ts';
import { freePort, median, startServer } from './processes.ts';

/** As in measure.py. */
const ROWS: Readonly<Record<string, string>> = {
  ping: '--connections 1 --in-flight 1 --acks 1 --batch 1 --record 100',
  small: '--connections 50 --in-flight 1 --acks 1 --batch 1 --record 100',
  'batch-16k': '--connections 4 --in-flight 5 --acks 1 --batch 16000 --record 1000',
  'batch-1m': '--connections 4 --in-flight 2 --acks 1 --batch 900000 --record 1000',
  'fetch-1m': '--connections 4 --in-flight 2 --mode fetch --fetch-max 1048576',
  'fetch-64k': '--connections 4 --in-flight 2 --mode fetch --fetch-max 65536',
};
/** What fetch rows read: 16 KB batches, as many as stay in memory on a small machine. */
const FILL = '--connections 4 --batch 16000 --record 1000 --warmup 0 --requests 60000 --seconds 60';
const PARTITION_COUNT = 4;

interface Contender {
  readonly name: string;
  readonly bootstrap: string;
  readonly pid: number;
}

interface Figure {
  readonly requestsPerSecond: number;
  readonly mbPerSecond: number;
  readonly p99Ms: number;
  readonly brokerCpuCores: number;
}

interface Settings {
  readonly turns: number;
  readonly loadOptions: readonly string[];
  readonly rows: readonly string[];
  readonly harness: string;
  readonly programs: readonly { readonly name: string; readonly program: string }[];
}

const readSettings = (): Settings => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      turns: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      warmup: { type: 'string', default: '1' },
      rows: { type: 'string', default: Object.keys(ROWS).join(',') },
      harness: { type: 'string', default: '../shared/bench' },
    },
  });
  return {
    turns: Number(values.turns),
    loadOptions: ['--seconds', values.seconds, '--warmup', values.warmup],
    rows: values.rows.split(','),
    harness: resolve(values.harness),
    programs: positionals.map((word) => {
      const [name = '', program = ''] = word.split('=');
      return { name, program: resolve(program) };
    }),
  };
};

const buildLoad = (harness: string, folder: string): string => {
  const program = join(folder, 'kload');
  const source = join(harness, 'kload.c');
  const { status } = spawnSync('gcc', ['-O2', '-msse4.2', '-o', program, source]);
  if (status !== 0) throw new Error(`gcc could not build ${source}`);
  return program;
};

const startContender = async (
  { name, program }: Settings['programs'][number],
  folder: string,
  processes: ChildProcess[],
): Promise<Contender> => {
  const zookeeperPort = await freePort();
  const zookeeper = [
    program,
    'zookeeper',
    String(zookeeperPort),
    join(folder, `${name}-zookeeper`),
  ];
  processes.push(await startServer(zookeeper, zookeeperPort));
  const port = await freePort();
  const connect = `127.0.0.1:${zookeeperPort}`;
  const broker = await startServer(
    [program, 'broker', '1', String(port), connect, join(folder, `${name}-broker`)],
    port,
  );
  processes.push(broker);
  return { name, bootstrap: `127.0.0.1:${port}`, pid: broker.pid as number };
};

/** Runs `use` with a topic on each of `contenders`, which goes afterwards with its files. */
const withTopic = async (
  contenders: readonly Contender[],
  topic: string,
  use: () => void,
): Promise<void> => {
  const admins = contenders.map(({ bootstrap }) =>
    createAdmin(realSystem(), { bootstrapServers: bootstrap }),
  );
  const configs = { 'file.delete.delay.ms': '1000' };
  const created = { name: topic, numPartitions: PARTITION_COUNT, replicationFactor: 1, configs };
  for (const admin of admins) throwFirst(await admin.createTopics([created]));
  await realSystem().clock.sleep(1000);
  use();
  for (const admin of admins) {
    throwFirst(await admin.deleteTopics([topic]));
    admin.close();
  }
};

const load = (
  program: string,
  { bootstrap, pid }: Contender,
  options: readonly string[],
): Figure => {
  const args = ['--bootstrap', bootstrap, '--pids', String(pid), ...options];
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`kload ${args.join(' ')} failed`);
  return JSON.parse(stdout) as Figure;
};

/** A row's figures by contender, in the order of the turns; the first turn warms everybody up and does not count. */
const measureRow = async (
  program: string,
  contenders: readonly Contender[],
  row: string,
  settings: Settings,
): Promise<Map<string, Figure[]>> => {
  const options = ROWS[row]?.split(' ');
  if (options === undefined) throw new Error(`there is no row ${row}`);
  const figures = new Map<string, Figure[]>(contenders.map(({ name }) => [name, []]));
  const takeTurn = (topic: string, turn: number): void => {
    for (const contender of contenders) {
      const args = ['--topic', topic, ...settings.loadOptions, ...options];
      const figure = load(program, contender, args);
      if (turn > 0) figures.get(contender.name)?.push(figure);
    }
  };
  if (row.startsWith('fetch')) {
    await withTopic(contenders, row, () => {
      const fill = ['--topic', row, ...FILL.split(' ')];
      for (const contender of contenders) load(program, contender, fill);
      for (let turn = 0; turn <= settings.turns; turn++) takeTurn(row, turn);
    });
  } else {
    // What was written goes with its topic, or the disk would fill up.
    for (let turn = 0; turn <= settings.turns; turn++)
      await withTopic(contenders, `${row}-${turn}`, () => takeTurn(`${row}-${turn}`, turn));
  }
  return figures;
};

const medianOf = (figures: readonly Figure[] | undefined, name: keyof Figure): number =>
  median((figures ?? []).map((figure) => figure[name]));

const lineOf = (row: string, figures: ReadonlyMap<string, readonly Figure[]>): string => {
  const isMegabytes = !['ping', 'small'].includes(row);
  const figure = isMegabytes ? 'mbPerSecond' : 'requestsPerSecond';
  const [first = Number.NaN, ...others] = [...figures.values()].map((of) => medianOf(of, figure));
  const cells = [...figures.values()].flatMap((of) => [
    Math.round(medianOf(of, figure)).toLocaleString('en-US'),
    medianOf(of, 'p99Ms').toFixed(2),
    medianOf(of, 'brokerCpuCores').toFixed(2),
  ]);
  const ratios = others.map((other) => (first / other).toFixed(2));
  return `| ${[`${row} (${isMegabytes ? 'MB' : 'requests'}/s)`, ...cells, ...ratios].join(' | ')} |`;
};

const headOf = (contenders: readonly Contender[]): string => {
  const [first, ...others] = contenders.map(({ name }) => name);
  const names = contenders.flatMap(({ name }) => [name, 'p99, ms', 'cores']);
  const columns = ['row', ...names, ...others.map((other) => `${first} / ${other}`)];
  return `| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`;
};

const settings = readSettings();
const folder = mkdtempSync(join(tmpdir(), 'barnabas-turns-'));
const processes: ChildProcess[] = [];
try {
  const program = buildLoad(settings.harness, folder);
  const contenders: Contender[] = [];
  for (const entry of settings.programs)
    contenders.push(await startContender(entry, folder, processes));
  console.log(headOf(contenders));
  for (const row of settings.rows)
    console.log(lineOf(row, await measureRow(program, contenders, row, settings)));
} finally {
  for (const child of processes) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
