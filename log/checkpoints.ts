/**
 * The small text files that remember offsets: one line with version 0, one with the count of
 * entries, then an entry a line. Byte-compatible with Kafka's recovery-point-, log-start- and
 * replication-offset-checkpoint (topic, partition, offset) and leader-epoch-checkpoint (epoch,
 * start offset). A file is replaced as a whole, so a crash leaves the old one.
 */
import { type Disk, replaceFile } from '../system/disk.ts';

/** Offset by `<topic>-<partition>`; see `partitionName`. */
export type OffsetsByPartition = Map<string, number>;

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

/** A checkpoint that is not laid out like one; in Kafka it fails the log directory. */
export class CheckpointError extends Error {
  override readonly name: string = 'CheckpointError';
}

/** An entry whose numbers are none. Kafka does not count that among the failures of a directory. */
export class CheckpointEntryError extends CheckpointError {
  override readonly name = 'CheckpointEntryError';
}

/** The directory name of a partition, which also serves as its key. */
export const partitionName = (topic: string, partition: number): string => `${topic}-${partition}`;

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** Splits a partition's name at its last hyphen; null when it is none. */
export const parsePartitionName = (name: string): PartitionName | null => {
  const at = name.lastIndexOf('-');
  const digits = name.slice(at + 1);
  if (at <= 0 || !/^\d{1,10}$/.test(digits)) return null;
  return { topic: name.slice(0, at), partition: Number(digits) };
};

export const encodeOffsets = (offsets: ReadonlyMap<string, number>): string => {
  const lines: string[] = [];
  for (const [name, offset] of offsets) {
    const parsed = parsePartitionName(name);
    if (parsed !== null) lines.push(`${parsed.topic} ${parsed.partition} ${offset}`);
  }
  return encodeLines(lines);
};

export const decodeOffsets = (text: string): OffsetsByPartition => {
  const offsets: OffsetsByPartition = new Map();
  for (const fields of decodeLines(text, 3)) {
    const [topic = '', partition, offset] = fields;
    offsets.set(partitionName(topic, entryNumber(partition)), entryNumber(offset));
  }
  return offsets;
};

export const encodeEpochs = (entries: readonly EpochEntry[]): string =>
  encodeLines(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`));

export const decodeEpochs = (text: string): EpochEntry[] =>
  decodeLines(text, 2).map(([epoch, startOffset]) => ({
    epoch: entryNumber(epoch),
    startOffset: entryNumber(startOffset),
  }));

/** Reads an offset checkpoint; an absent or empty file has no entries. Throws `CheckpointError`. */
export const readOffsets = async (disk: Disk, path: string): Promise<OffsetsByPartition> =>
  decodeOffsets((await disk.readFile(path))?.toString() ?? '');

export const writeOffsets = (
  disk: Disk,
  path: string,
  offsets: ReadonlyMap<string, number>,
): Promise<void> => replaceFile(disk, path, encodeOffsets(offsets));

const encodeLines = (lines: readonly string[]): string =>
  `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`;

const decodeLines = (text: string, fieldCount: number): string[][] => {
  const [version, count, ...rest] = text.split('\n');
  // A file that was only created, or holds no more than its version, has no entries.
  if (version === '' || version === undefined) return [];
  if (version.trim() !== '0') throw new CheckpointError(`unknown checkpoint version ${version}`);
  if (count === undefined || count === '') return [];
  const entries = rest.filter((line) => line !== '').map((line) => line.trim().split(/\s+/));
  if (wholeNumber(count.trim()) !== entries.length)
    throw new CheckpointError(`${count} entries announced, ${entries.length} found`);
  for (const fields of entries)
    if (fields.length !== fieldCount)
      throw new CheckpointError(`malformed checkpoint line: ${fields.join(' ')}`);
  return entries;
};

const entryNumber = (text: string | undefined): number => {
  const value = wholeNumber(text);
  if (value === null) throw new CheckpointEntryError(`not an offset or epoch: ${text}`);
  return value;
};

const wholeNumber = (text: string | undefined): number | null => {
  const value = Number(text);
  return /^\d+$/.test(text ?? '') && Number.isSafeInteger(value) ? value : null;
};
