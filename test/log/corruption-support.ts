/**
 * What the tests of damage share: a log directory as a broker leaves it, means to damage it, and the
 * form of a row: what is damaged, and what becomes of it at the next start.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeBatches } from '../../log/batch-scan.ts';
import { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { realSystem } from '../../system/system.ts';
import {
  append,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

const opened: LogManager[] = [];

/** Closes all managers and removes all temp directories of the test file. */
export const cleanUp = async (): Promise<void> => {
  for (const manager of opened.splice(0)) await manager.close();
  removeTempDirectories();
};

export const START_MS = 1_700_000_000_000;
export const TOPIC_ID = 'c3_gRW8dQ2ShQhFbzWRqZg';
export const config = { ...smallConfig, segmentBytes: 600, indexIntervalBytes: 50 };
export const producer = { producerId: 7, producerEpoch: 0 };
export const COUNT = 24;

export const open = async (logDirs: readonly string[]): Promise<LogManager> => {
  const options = { brokerId: 1, clusterId: 'cluster', defaultConfig: config, cleaner: null };
  const manager = await LogManager.open(realSystem(), { logDirs, ...options });
  opened.push(manager);
  return manager;
};

/** A directory as a broker leaves it when it stops in order, or when it is killed. */
export const directoryAfter = async (stop: 'clean' | 'crash'): Promise<Damaged> => {
  const directory = tempDirectory();
  const manager = await open([directory]);
  const log = await manager.getOrCreate('topic', 0, { topicId: TOPIC_ID, config });
  for (let offset = 0; offset < COUNT; offset++)
    await append(log, [`value-${offset}`], {
      ...producer,
      baseSequence: offset,
      timestamp: START_MS + offset,
    });
  await log.settled();
  await manager.checkpointHighWatermarks([{ topic: 'topic', partition: 0, offset: COUNT }]);
  await manager.checkpointRecoveryPoints();
  await manager.checkpointLogStarts();
  const bases = log.segments.map(({ baseOffset }) => baseOffset);
  if (stop === 'clean') await manager.close();
  const path = tempDirectory();
  cpSync(directory, path, { recursive: true });
  rmSync(join(path, '.lock'), { force: true });
  return new Damaged(path, bases);
};

export class Damaged {
  readonly path: string;
  readonly bases: readonly number[];

  constructor(path: string, bases: readonly number[]) {
    this.path = path;
    this.bases = bases;
  }

  base(slot: number): number {
    return this.bases.at(slot) ?? -1;
  }

  /** A file of the segment at `slot`; negative ones count from the end. */
  file(slot: number, suffix = '.log'): string {
    return this.partition(`${String(this.base(slot)).padStart(20, '0')}${suffix}`);
  }

  partition(name: string): string {
    return join(this.path, 'topic-0', name);
  }

  /** Changes the bytes of a file in place, or puts in their place what `change` returns. */
  edit(path: string, change: (bytes: Buffer) => unknown): void {
    const bytes = readFileSync(path);
    const changed = change(bytes);
    writeFileSync(path, Buffer.isBuffer(changed) ? changed : bytes);
  }

  /** Changes one batch of a segment in place. */
  editBatch(slot: number, index: number, change: (batch: Buffer) => void): number {
    let offset = -1;
    this.edit(this.file(slot), (bytes) => {
      const batch = [...wholeBatches(bytes)][index] as RecordBatch;
      offset = batch.baseOffset;
      change(bytes.subarray(batch.position, batch.position + batch.sizeBytes));
    });
    return offset;
  }

  recoverFrom(offset: number): void {
    writeFileSync(join(this.path, 'recovery-point-offset-checkpoint'), `0\n1\ntopic 0 ${offset}\n`);
  }

  snapshots(): string[] {
    return readdirSync(this.partition('')).filter((name) => name.endsWith('.snapshot'));
  }
}

export const valuesOf = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index}:value-${from + index}`);

export const flipLastByte = (batch: Buffer): void => {
  batch[batch.length - 1] = (batch.at(-1) ?? 0) ^ 0xff;
};

export interface Row {
  readonly name: string;
  readonly stop: 'clean' | 'crash';
  /** May return a number that the check needs to know. */
  damage(on: Damaged): unknown;
}
/** A log that gets over its damage. */
export interface Opens extends Row {
  check(log: PartitionLog, on: Damaged, noted: number, manager: LogManager): Promise<void> | void;
}

export const endsAt = async (log: PartitionLog, endOffset: number): Promise<void> => {
  expect(log.logEndOffset).toBe(endOffset);
  expect(await readAll(log)).toEqual(valuesOf(log.logStartOffset, endOffset));
  const info = await append(log, ['next'], { ...producer, baseSequence: endOffset });
  expect(info.baseOffset).toBe(endOffset);
  expect((await readAll(log)).at(-1)).toBe(`${endOffset}:next`);
};

/** Damages a directory as `row` says, opens it and looks at its log. */
export const checkOpens = async ({ stop, damage, check }: Opens): Promise<void> => {
  const on = await directoryAfter(stop);
  const noted = damage(on);
  const manager = await open([on.path]);
  const log = manager.get('topic', 0);
  expect(log).toBeDefined();
  await check(log as PartitionLog, on, typeof noted === 'number' ? noted : -1, manager);
  expect(manager.offlineDirectories).toEqual(manager.onlineDirectories.length > 0 ? [] : [on.path]);
};
