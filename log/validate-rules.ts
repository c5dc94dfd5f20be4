/**
 * The rules that hold for records of any format: what a topic asks of keys and timestamps, which codec it wants. Pure.
 */
import type { Codec } from '../protocol/compression.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import type { RecordBatch } from '../protocol/record-batch.ts';
import type { LogConfig } from './log-config.ts';
import type { Refusals } from './validate-errors.ts';

export interface ValidationOptions {
  readonly config: Pick<
    LogConfig,
    | 'maxMessageBytes'
    | 'cleanupCompact'
    | 'compressionType'
    | 'compressionGzipLevel'
    | 'compressionLz4Level'
    | 'compressionZstdLevel'
    | 'messageTimestampType'
    | 'messageTimestampBeforeMaxMs'
    | 'messageTimestampAfterMaxMs'
  >;
  /** Coordinators may write control batches and need not keep sequences. */
  readonly origin: 'client' | 'coordinator';
  readonly nowMs: number;
  /** A batch that is larger when decompressed is refused with MESSAGE_TOO_LARGE. */
  readonly uncompressedBytesMax?: number;
}

/** A batch that may be appended once it is stamped. */
export interface ValidatedBatch {
  /** A view of the given bytes, or of new ones if the batch had to be rebuilt. */
  readonly batch: RecordBatch;
  readonly maxTimestamp: number;
  /** The broker's time under LogAppendTime, -1 under CreateTime. */
  readonly logAppendTimeMs: number;
  readonly isRebuilt: boolean;
}

/** The largest uncompressed form of one batch that is taken apart to be checked, unless told otherwise. */
export const UNCOMPRESSED_BYTES_MAX = 128 * 1024 * 1024;

export const invalid = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_RECORD, message);

/** Throws MESSAGE_TOO_LARGE for a batch, or a message, that the topic does not take. */
export const checkSize = (batch: RecordBatch, bytesMax: number): void => {
  if (batch.sizeBytes <= bytesMax) return;
  throw new ProtocolError(
    errorCodes.MESSAGE_TOO_LARGE,
    `the batch has ${batch.sizeBytes} bytes, the topic allows ${bytesMax}`,
  );
};

/** What the topic's compression.type makes of records that come in `source`. */
export const targetCodec = (source: Codec, type: LogConfig['compressionType']): Codec => {
  if (type === 'producer') return source;
  return type === 'uncompressed' ? 'none' : type;
};

/** The topic's level for a codec; undefined for codecs without levels. */
export const levelOf = (codec: Codec, config: ValidationOptions['config']): number | undefined => {
  if (codec === 'gzip') return config.compressionGzipLevel;
  if (codec === 'lz4') return config.compressionLz4Level;
  return codec === 'zstd' ? config.compressionZstdLevel : undefined;
};

/** Judges keys and timestamps, one record after the other, and notes those that are refused. */
export class RecordRules {
  readonly #refusals: Refusals;
  readonly #needsKey: boolean;
  readonly #isCreateTime: boolean;
  readonly #timestampMin: number;
  readonly #timestampMax: number;

  constructor({ config, nowMs }: ValidationOptions, refusals: Refusals) {
    this.#refusals = refusals;
    this.#needsKey = config.cleanupCompact;
    this.#isCreateTime = config.messageTimestampType === 'CreateTime';
    this.#timestampMin = nowMs - config.messageTimestampBeforeMaxMs;
    this.#timestampMax = nowMs + config.messageTimestampAfterMaxMs;
  }

  /**
   * A batch may say LogAppendTime (`saysAppendTime`) only where its time is judged as any other; a record without timestamp
   * is not judged.
   */
  check(index: number, hasKey: boolean, timestamp: number, saysAppendTime: boolean): void {
    if (this.#needsKey && !hasKey) this.#refusals.add(index, 'key');
    else if (this.#isCreateTime && timestamp !== -1) {
      if (timestamp < this.#timestampMin || timestamp > this.#timestampMax)
        this.#refusals.add(index, 'time');
    } else if (saysAppendTime) this.#refusals.add(index, 'type');
  }
}

/**
 * Timestamps below zero, other than the -1 of records without one, pass where bytes stay as they are; they cannot be written
 * anew.
 */
export const checkWritable = (timestamp: number): void => {
  if (timestamp >= -1) return;
  throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR, `timestamp ${timestamp}`);
};
