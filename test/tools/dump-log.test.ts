/**
 * kafka-dump-log prints, byte for byte, what Kafka's did over the same files: recorded runs of every
 * option (kafka-dump-log.json), and more files, whole, damaged and made by hand
 * (dump-log-comparisons.json).
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBatch } from '../../protocol/record-batch.ts';
import type { Disk } from '../../system/disk.ts';
import { realSystem, type System } from '../../system/system.ts';
import { dumpLogIn } from '../../tools/dump-log/command.ts';
import { dumpLogOptions } from '../../tools/dump-log/options.ts';
import { outcomes, readTranscript, recordingTerminal, type Step } from './transcript.ts';

const fixtures = `${__dirname}/../fixtures/cli`;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-dump-log-'));
  cpSync(`${fixtures}/dump-log-files`, directory, { recursive: true });
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const placed = (text: string): string => text.replaceAll('{dir}', directory);

const expectAlike = async (name: string, step: Step): Promise<void> => {
  const transcript = readTranscript(`${fixtures}/${name}.json`);
  const run = { tool: dumpLogIn(directory), table: dumpLogOptions, transcript };
  const { ours, recorded } = await outcomes(step, run, { dir: directory });
  expect({ args: step.args, ...ours }).toEqual({
    args: step.args,
    ...recorded,
    stdout: placed(recorded.stdout),
    stderr: placed(recorded.stderr),
  });
};

const stepsOf = (name: string): readonly Step[] => readTranscript(`${fixtures}/${name}.json`).steps;

const inFolder = (folder: string) => (step: Step) => step.args[1]?.startsWith(folder) ?? false;

describe("kafka-dump-log and Kafka's own", () => {
  test('agree on every recorded command line', async () => {
    const steps = stepsOf('kafka-dump-log');
    expect(steps.length).toBe(67);
    for (const step of steps) await expectAlike('kafka-dump-log', step);
  });

  test.each([
    ['files that brokers left: old formats, cleaned, torn, without an index', 'kept/', 40],
    ['damaged files: numbers, exceptions, and how far the output gets', 'damaged/', 35],
    ['odd records: groups, transactions, frames, markers, text that is no UTF-8', 'craft/', 45],
  ])('agree on %s', async (_, folder, countMin) => {
    const steps = stepsOf('dump-log-comparisons').filter(inFolder(folder));
    expect(steps.length).toBeGreaterThanOrEqual(countMin);
    for (const step of steps) await expectAlike('dump-log-comparisons', step);
  });

  test('agree on odd names of files', async () => {
    const isNamed = (step: Step): boolean => !/^(kept|damaged|craft)\//.test(step.args[1] ?? '');
    const steps = stepsOf('dump-log-comparisons').filter(isNamed);
    expect(steps.length).toBeGreaterThan(20);
    for (const step of steps) await expectAlike('dump-log-comparisons', step);
  });
});

/** The real system, noting the largest piece that was read, and whether anything was written. */
const watchedSystem = () => {
  const system = realSystem();
  const seen = { bytesMax: 0, writes: 0 };
  const open: Disk['open'] = async (path, mode) => {
    if (mode === 'write') seen.writes += 1;
    const file = await system.disk.open(path, mode);
    const { read } = file;
    file.read = async (target: Buffer, position: number) => {
      seen.bytesMax = Math.max(seen.bytesMax, target.length);
      return read.call(file, target, position);
    };
    return file;
  };
  const watched: System = { ...system, disk: { ...system.disk, open } };
  return { system: watched, seen };
};

describe('kafka-dump-log', () => {
  test('reads a large log in pieces', async () => {
    const value = Buffer.alloc(10_000, 'x');
    const batches = Array.from({ length: 2000 }, (_, index) =>
      buildBatch({ records: [{ key: null, value }], baseOffset: index, timestamp: 1 }),
    );
    writeFileSync(join(directory, '00000000000000000000.log'), Buffer.concat(batches));
    const { system, seen } = watchedSystem();
    const { terminal, output } = recordingTerminal('');
    const args = ['--files', '00000000000000000000.log', '--deep-iteration'];
    expect(await dumpLogIn(directory)(system, terminal, args)).toBe(0);
    expect(
      Buffer.concat(output)
        .toString()
        .match(/^\| offset/gm),
    ).toHaveLength(2000);
    expect(seen.bytesMax).toBeLessThan(1_000_000);
  });

  test('says so when a folder is named like a log', async () => {
    mkdirSync(join(directory, 'folder/00000000000000000000.log'), { recursive: true });
    const { terminal, output, errors } = recordingTerminal('');
    const args = ['--files', 'folder/00000000000000000000.log'];
    expect(await dumpLogIn(directory)(realSystem(), terminal, args)).toBe(1);
    expect(Buffer.concat(output).toString()).toMatch(/^Dumping .*\nLog starting offset: 0\n$/);
    expect(errors.join('')).toBe(
      'Exception in thread "main" org.apache.kafka.common.KafkaException: ' +
        'java.io.IOException: Is a directory\nCaused by: java.io.IOException: Is a directory\n',
    );
  });

  test('leaves the files alone, also where Kafka makes an empty index', async () => {
    const folder = join(directory, 'kept/no-index');
    const before = readdirSync(folder);
    const { system, seen } = watchedSystem();
    const { terminal, errors } = recordingTerminal('');
    const args = ['--files', 'kept/no-index/00000000000000000078.timeindex'];
    expect(await dumpLogIn(directory)(system, terminal, args)).toBe(1);
    expect(errors.join('')).toMatch(/Invalid max index size: -1\n$/);
    expect(readdirSync(folder)).toEqual(before);
    expect(seen.writes).toBe(0);
  });

  test('stops quietly when nobody reads its output any more', async () => {
    const { terminal } = recordingTerminal('');
    const closed = { ...terminal, print: async () => false };
    const args = ['--files', '00000000000000000000.log', '--deep-iteration'];
    expect(await dumpLogIn(directory)(realSystem(), closed, args)).toBe(0);
  });
});
