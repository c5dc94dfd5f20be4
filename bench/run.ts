/**
 * `npm run bench`: measures Barnabas and, where it can be installed, Apache Kafka with the same load generator on the same
 * machine, turn by turn, and writes docs/benchmarks.md. The harness (measure.py, compare.py, kload.c) stands beside the
 * project; this program only takes turns, and puts the result together.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus, platform, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `usage: npm run bench -- [options]
  --harness DIR     where measure.py and compare.py are (default ../shared/bench)
  --apache PROGRAM  Apache Kafka's launcher (default ../shared/apache-kafka/ak)
  --parts LIST      of cold,one,three,gap,partitions (default all)
  --seconds N       how long each row is measured (default 10)
  --warmup N        how long each is warmed up before (default 15)
  --port N          first port (default 26000)
  --ours-only       without Apache Kafka
  --out FILE        what to write (default docs/benchmarks.md)`;

interface Settings {
  readonly harness: string;
  readonly apache: string | null;
  readonly parts: readonly string[];
  readonly measureOptions: readonly string[];
  readonly out: string;
}

const main = (): void => {
  const settings = readSettings();
  if (settings === null) return;
  const folder = mkdtempSync(join(tmpdir(), 'barnabas-bench-'));
  try {
    const ours = join(folder, 'ours.jsonl');
    const theirs = join(folder, 'theirs.jsonl');
    for (const part of settings.parts) {
      if (settings.apache !== null) measure(settings, settings.apache, part, theirs);
      measure(settings, resolve('bench/barnabas'), part, ours);
    }
    const table =
      settings.apache === null
        ? tableOf(readFileSync(ours, 'utf8'))
        : capture('python3', [join(settings.harness, 'compare.py'), theirs, ours]);
    writeFileSync(settings.out, report(table, settings) + sectionsOf(settings.out));
    console.log(`${table}\nWritten to ${settings.out}.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const readSettings = (): Settings | null => {
  const { values } = parseArgs({
    options: {
      harness: { type: 'string', default: '../shared/bench' },
      apache: { type: 'string', default: '../shared/apache-kafka/ak' },
      parts: { type: 'string', default: 'cold,one,three,gap,partitions' },
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '15' },
      port: { type: 'string', default: '26000' },
      'ours-only': { type: 'boolean', default: false },
      out: { type: 'string', default: 'docs/benchmarks.md' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return null;
  }
  const harness = resolve(values.harness);
  if (!existsSync(join(harness, 'measure.py'))) {
    console.error(`There is no measure.py in ${values.harness}: name its folder with --harness.`);
    process.exitCode = 1;
    return null;
  }
  return {
    harness,
    apache: values['ours-only'] ? null : installedApache(resolve(values.apache)),
    parts: values.parts.split(','),
    measureOptions: [
      ...['--seconds', values.seconds, '--warmup', values.warmup, '--port', values.port],
    ],
    out: values.out,
  };
};

const installedApache = (launcher: string): string | null => {
  const { status } = spawnSync(launcher, ['install'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 0) return launcher;
  console.error('Apache Kafka cannot be installed here: measuring Barnabas alone.');
  return null;
};

/** One part of one implementation; its rows are added to `file`. */
const measure = (settings: Settings, command: string, part: string, file: string): void => {
  console.log(`${part}: ${command === settings.apache ? 'Apache Kafka' : 'Barnabas'}`);
  const script = join(settings.harness, 'measure.py');
  const rows = capture('python3', [script, command, '--parts', part, ...settings.measureOptions]);
  appendFileSync(file, rows);
};

const capture = (command: string, args: readonly string[]): string => {
  const { status, stdout, error } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error });
  return stdout;
};

/** A table of our figures alone, from the harness' rows of JSON. */
const tableOf = (rows: string): string => {
  const lines = rows.trim().split('\n');
  const cells = lines.map((line) => {
    const { row, ...figures } = JSON.parse(line) as Record<string, unknown>;
    const texts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
    return `| ${row} | ${texts.join(', ')} |`;
  });
  return ['| row | figures |', '|---|---|', ...cells, ''].join('\n');
};

/** What else stands in the file: sections of other programs' figures. */
const sectionsOf = (file: string): string => {
  if (!existsSync(file)) return '';
  const text = readFileSync(file, 'utf8');
  const begin = text.indexOf('\n## ');
  return begin < 0 ? '' : text.slice(begin);
};

const report = (table: string, { apache, measureOptions }: Settings): string => {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const comparison =
    apache === null
      ? 'Barnabas alone was measured, brokers and load on the same machine.'
      : `Barnabas ("ours") and Apache Kafka 3.9.1 with its default heap of 1 GB ("theirs") were measured
turn by turn in one run, brokers and load on the same machine. A ratio above 1 means that ours is better.`;
  return `# Benchmarks

Made by \`npm run bench\` (${measureOptions.join(' ')}) on ${new Date().toISOString().slice(0, 10)}:
${cpus().length} cores (${model}), ${gigabytes} GB of memory,
${platform()}, Node ${process.version}.
${comparison}
What each row means is said at the head of the harness, \`measure.py\`.

${table}`;
};

main();
