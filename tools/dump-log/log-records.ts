/**
 * A log file read the way Kafka's FileRecords does it: in pieces, between two positions, with its
 * failures under Java's names. Reproduces what FileRecords says about sizes and slices.
 */
import { CorruptLogError, scanSlices, wholeBatches } from '../../log/batch-scan.ts';
import { LOG_OVERHEAD, RecordBatch } from '../../protocol/record-batch.ts';
import type { DiskFile } from '../../system/disk.ts';
import type { System } from '../../system/system.ts';
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';

const INT_MAX = 2 ** 31 - 1;
/** Offset, size and what lies before the magic, the magic itself included. */
const PREFIX_BYTES = 17;
/** The header of a batch of magic 2, and more than those of old messages. */
const HEADER_BYTES = 61;

/** A file and its two names: as it was given, for messages, and from the root. */
export interface FileName {
  readonly given: string;
  readonly absolute: string;
}

/** Opens a file for reading; throws JavaFailure, with the name as it was given. */
export const openFile = async (system: System, name: FileName): Promise<DiskFile> => {
  await refuseDirectory(system, name);
  try {
    return await system.disk.open(name.absolute, 'read');
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new JavaFailure('java.nio.file.NoSuchFileException', name.given);
    }
    if (code === 'EACCES') {
      throw new JavaFailure('java.nio.file.AccessDeniedException', name.given);
    }
    throw error;
  }
};

/** Such a name can be opened; Java fails when it reads. Throws JavaFailure. */
const refuseDirectory = async (system: System, { absolute }: FileName): Promise<void> => {
  const info = await system.disk.info(absolute);
  if (info?.isDirectory !== true) return;
  const cause = new JavaFailure('java.io.IOException', 'Is a directory');
  const message = `${cause.javaClass}: ${cause.message}`;
  throw new JavaFailure('org.apache.kafka.common.KafkaException', message, { cause });
};

/** Exact also where damage has made it larger than any real one. */
export const lastOffsetOf = (batch: RecordBatch): bigint => {
  const baseOffset = batch.buffer.readBigInt64BE(batch.position);
  return BigInt.asIntN(64, baseOffset + BigInt(batch.lastOffsetDelta));
};

/** A batch and where it begins. */
export interface PlacedBatch {
  readonly batch: RecordBatch;
  readonly position: number;
}

export class LogRecords {
  readonly name: FileName;
  readonly sizeBytes: number;
  readonly #file: DiskFile;

  private constructor(name: FileName, file: DiskFile, sizeBytes: number) {
    this.name = name;
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  /** Throws JavaFailure: no such file, or larger than a segment may be. */
  static async open(system: System, name: FileName): Promise<LogRecords> {
    const file = await openFile(system, name);
    const sizeBytes = file.size();
    if (sizeBytes > INT_MAX) {
      await file.close();
      throw new JavaFailure(
        'org.apache.kafka.common.KafkaException',
        `The size of segment ${name.given} (${sizeBytes}) is larger than the maximum allowed ` +
          `segment size of ${INT_MAX}`,
      );
    }
    return new LogRecords(name, file, sizeBytes);
  }

  /** As Kafka's messages show it. */
  get #text(): string {
    const { given } = this.name;
    return `FileRecords(size=${this.sizeBytes}, file=${given}, start=0, end=${INT_MAX})`;
  }

  /** Where a stretch of at most `bytes` bytes from `position` on ends. Throws JavaFailure. */
  endOf(position: number, bytes: number): number {
    const me = this.#text;
    if (position < 0) throw illegalArgument(`Invalid position: ${position} in read from ${me}`);
    if (position > this.sizeBytes) {
      throw illegalArgument(`Slice from position ${position} exceeds end position of ${me}`);
    }
    if (bytes < 0) throw illegalArgument(`Invalid size: ${bytes} in read from ${me}`);
    return Math.min(position + bytes, this.sizeBytes);
  }

  /** The whole batches between two positions. Throws JavaFailure at what cannot be a batch. */
  async *batches(from: number, end: number): AsyncGenerator<PlacedBatch> {
    let position = from;
    try {
      for await (const slice of scanSlices(this.#file, from, end)) {
        for (const batch of wholeBatches(slice.buffer)) {
          position = slice.position + batch.position;
          yield { batch: await this.#withHeader(batch, position), position };
          position += batch.sizeBytes;
        }
      }
    } catch (error) {
      if (!(error instanceof CorruptLogError)) throw error;
      if (end - position > PREFIX_BYTES) throw await this.#corruptAt(position);
    }
  }

  /**
   * The last offset of the batch that begins at `position`, from its header alone; null when none
   * that ends before `end` does. Throws JavaFailure at what cannot be a batch.
   */
  async lastOffsetAt(position: number, end: number): Promise<bigint | null> {
    if (end - position <= PREFIX_BYTES) return null;
    const header = Buffer.alloc(HEADER_BYTES);
    await this.#file.read(header, position);
    const batch = new RecordBatch(header, 0);
    if (batch.sizeBytes < LOG_OVERHEAD + 14) throw await this.#corruptAt(position);
    if (position + batch.sizeBytes > end) return null;
    return lastOffsetOf(await this.#withHeader(batch, position));
  }

  /** A batch too short for its own header shows what comes behind it, if there is anything. */
  async #withHeader(batch: RecordBatch, position: number): Promise<RecordBatch> {
    if (batch.isOld || batch.sizeBytes >= HEADER_BYTES) return batch;
    const header = Buffer.alloc(HEADER_BYTES);
    const count = await this.#file.read(header, position);
    if (count === HEADER_BYTES) return new RecordBatch(header, 0);
    throw new JavaFailure(
      'org.apache.kafka.common.KafkaException',
      `Failed to load record batch at position ${position} from ${this.#text}`,
    );
  }

  async #corruptAt(position: number): Promise<JavaFailure> {
    const prefix = Buffer.alloc(LOG_OVERHEAD);
    await this.#file.read(prefix, position);
    return new JavaFailure(
      'org.apache.kafka.common.errors.CorruptRecordException',
      `Found record size ${prefix.readInt32BE(LOG_OVERHEAD - 4)} smaller than minimum record ` +
        `overhead (14) in file ${this.name.given}.`,
    );
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
