/**
 * Entries of an index file, read in pages and without any trust in their order: searched exactly as
 * Kafka's AbstractIndex does, because in a file with a tail of zeroes, or a damaged one, the answer
 * depends on the steps.
 */
import type { DiskFile } from '../../system/disk.ts';
import type { System } from '../../system/system.ts';
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';
import { type FileName, openFile } from './log-records.ts';

export interface OffsetEntry {
  readonly offset: bigint;
  readonly position: number;
}

export interface TimeEntry {
  readonly timestamp: bigint;
  readonly offset: bigint;
}

/** Reads an entry at a place of a page; offsets are stored relative to the segment's first. */
type Decode<T> = (page: Buffer, at: number, baseOffset: bigint) => T;

const PAGE_ENTRIES = 4096;
const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
/** Kafka looks at the end of an offset index first, which its brokers have in memory. */
const WARM_ENTRIES = 8192 / OFFSET_ENTRY_BYTES;

export class IndexReader<T> {
  readonly name: FileName;
  readonly baseOffset: bigint;
  readonly sizeBytes: number;
  readonly count: number;
  readonly #file: DiskFile;
  readonly #page: Buffer;
  readonly #entryBytes: number;
  readonly #decode: Decode<T>;
  #pageNumber = -1;

  constructor(
    file: DiskFile,
    names: { readonly name: FileName; readonly baseOffset: bigint },
    entries: { readonly bytes: number; readonly decode: Decode<T> },
  ) {
    this.name = names.name;
    this.baseOffset = names.baseOffset;
    this.#file = file;
    this.#entryBytes = entries.bytes;
    this.#decode = entries.decode;
    this.sizeBytes = file.size();
    this.count = Math.floor(this.sizeBytes / entries.bytes);
    this.#page = Buffer.alloc(PAGE_ENTRIES * entries.bytes);
  }

  at(slot: number): T {
    const pageNumber = Math.floor(slot / PAGE_ENTRIES);
    if (pageNumber !== this.#pageNumber) {
      this.#file.readSync(this.#page, pageNumber * this.#page.length);
      this.#pageNumber = pageNumber;
    }
    return this.#decode(this.#page, (slot % PAGE_ENTRIES) * this.#entryBytes, this.baseOffset);
  }

  /** What is wrong with the size of the file, if anything. */
  sizeProblem(): string | null {
    if (this.sizeBytes % this.#entryBytes === 0) return null;
    return (
      `${this.name.absolute} is corrupt, found ${this.sizeBytes} bytes which is neither positive ` +
      `nor a multiple of ${this.#entryBytes}`
    );
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Throws JavaFailure. */
export const openOffsetIndex = async (
  system: System,
  name: FileName,
  baseOffset: bigint,
): Promise<IndexReader<OffsetEntry>> => {
  const file = await openIndex(system, name);
  const decode: Decode<OffsetEntry> = (page, at, base) => ({
    offset: base + BigInt(page.readInt32BE(at)),
    position: page.readInt32BE(at + 4),
  });
  return new IndexReader(file, { name, baseOffset }, { bytes: OFFSET_ENTRY_BYTES, decode });
};

/** Throws JavaFailure. */
export const openTimeIndex = async (
  system: System,
  name: FileName,
  baseOffset: bigint,
): Promise<IndexReader<TimeEntry>> => {
  const file = await openIndex(system, name);
  const decode: Decode<TimeEntry> = (page, at, base) => ({
    timestamp: page.readBigInt64BE(at),
    offset: base + BigInt(page.readInt32BE(at + 8)),
  });
  return new IndexReader(file, { name, baseOffset }, { bytes: TIME_ENTRY_BYTES, decode });
};

/** Kafka would make a missing index, but cannot tell how large. */
const openIndex = async (system: System, name: FileName): Promise<DiskFile> => {
  if ((await system.disk.info(name.absolute)) === null) {
    throw illegalArgument('Invalid max index size: -1');
  }
  return openFile(system, name);
};

/** Where to begin looking for `offset`: Kafka's lookup. */
export const positionFor = (index: IndexReader<OffsetEntry>, offset: bigint): number => {
  const { count } = index;
  if (count === 0) return 0;
  const firstWarm = Math.max(0, count - 1 - WARM_ENTRIES);
  if (index.at(firstWarm).offset < offset) return search(index, offset, [firstWarm, count - 1]);
  if (index.at(0).offset > offset) return 0;
  return search(index, offset, [0, firstWarm]);
};

const search = (
  index: IndexReader<OffsetEntry>,
  offset: bigint,
  range: readonly [number, number],
): number => {
  let [low, high] = range;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const found = index.at(middle);
    if (found.offset === offset) return found.position;
    if (found.offset > offset) high = middle - 1;
    else low = middle;
  }
  return index.at(low).position;
};

const corruptIndex = (message: string): JavaFailure =>
  new JavaFailure('org.apache.kafka.storage.internals.log.CorruptIndexException', message);

/** Throws JavaFailure when a broker would rebuild the index. */
export const checkOffsetIndex = (index: IndexReader<OffsetEntry>): void => {
  const { count, baseOffset, name } = index;
  const last = count === 0 ? baseOffset : index.at(count - 1).offset;
  if (last < baseOffset) {
    throw corruptIndex(
      `Corrupt index found, index file ${name.absolute} has non-zero size but the last offset is ` +
        `${last} which is less than the base offset ${baseOffset}`,
    );
  }
  const problem = index.sizeProblem();
  if (problem !== null) throw corruptIndex(`Index file ${problem}`);
};

/** Throws JavaFailure when a broker would rebuild the index. */
export const checkTimeIndex = (index: IndexReader<TimeEntry>): void => {
  const { count, baseOffset, name } = index;
  if (count > 0) {
    const [first, last] = [index.at(0), index.at(count - 1)];
    const file = `Corrupt time index found, time index file (${name.absolute}) has non-zero size`;
    if (last.timestamp < first.timestamp) {
      throw corruptIndex(
        `${file} but the last timestamp is ${last.timestamp} which is less than the first ` +
          `timestamp ${first.timestamp}`,
      );
    }
    if (last.offset < baseOffset) {
      throw corruptIndex(
        `${file} but the last offset is ${last.offset} which is less than the first offset ` +
          `${baseOffset}`,
      );
    }
  }
  const problem = index.sizeProblem();
  if (problem !== null) throw corruptIndex(`Time index file ${problem}`);
};
