/**
 * Batches turned into what consumers of magic 0 and 1 read (Fetch below version 4), with the chunks, the sizes and the gaps
 * of Kafka's LazyDownConversionRecords; in one go instead of lazily, but never more than is sent. Pure.
 */

import { batches } from './batches.ts';
import { CompressionError } from './compression.ts';
import { errorCodes, ProtocolError } from './errors.ts';
import { writeInt64 } from './integers.ts';
import { encodeOldMessage, messagesIn, type OldMagic, wrapOldMessages } from './old-messages.ts';
import { InvalidRecordError, type Record } from './record.ts';
import { BATCH_OVERHEAD, LOG_OVERHEAD, type RecordBatch } from './record-batch.ts';

export interface DownConversion {
  /** The newest format that the consumer knows. */
  readonly magic: OldMagic;
  /** Records before it are left out where that costs nothing. */
  readonly fetchOffset: number;
}

/** Batches are converted by as many bytes at a time; what cannot be converted takes its chunk with it. */
const CHUNK_BYTES_MAX = 128 * 1024;

/**
 * Batches and old messages, whole ones, in a format of at most `magic`. Control batches and headers are left out. The result
 * is as long as what was read, or as its first batch converted if that is longer: what does not fit is cut off, and an
 * incomplete message, which consumers skip, fills what is missing. Throws UNSUPPORTED_COMPRESSION_TYPE where zstd comes
 * first; later it ends the result.
 */
export const downConvert = (records: Buffer, options: DownConversion): readonly Buffer[] => {
  const whole = [...batches(records)];
  if (whole.length === 0) return [];
  const parts: Buffer[] = [];
  let position = 0;
  for (; position < whole.length && parts.length === 0; position++)
    // One by one, here and below: more arguments than the stack holds may have come of a batch.
    for (const part of convertChunk([whole[position] as RecordBatch], options)) parts.push(part);
  if (parts.length === 0) return [filler(LOG_OVERHEAD)];
  let sizeBytes = bytesOf(parts);
  const wantedBytes = Math.max(records.length, sizeBytes);
  while (position < whole.length && sizeBytes < wantedBytes) {
    const end = chunkEnd(whole, position);
    const converted = convertOrNull(whole.slice(position, end), options);
    if (converted === null) break;
    for (const part of converted) parts.push(part);
    sizeBytes += bytesOf(converted);
    position = end;
  }
  if (sizeBytes < wantedBytes) parts.push(filler(wantedBytes - sizeBytes));
  else cut(parts, sizeBytes - wantedBytes);
  return parts;
};

const bytesOf = (parts: readonly Buffer[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

/** The place after the chunk that begins at `start`: at least one batch. */
const chunkEnd = (whole: readonly RecordBatch[], start: number): number => {
  let bytes = 0;
  for (let index = start; index < whole.length; index++) {
    bytes += (whole[index] as RecordBatch).sizeBytes;
    if (bytes > CHUNK_BYTES_MAX) return Math.max(index, start + 1);
  }
  return whole.length;
};

/** Null where something in it cannot be converted: the size is promised by then. */
const convertOrNull = (
  chunk: readonly RecordBatch[],
  options: DownConversion,
): readonly Buffer[] | null => {
  try {
    return convertChunk(chunk, options);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
};

const convertChunk = (chunk: readonly RecordBatch[], options: DownConversion): Buffer[] =>
  chunk.flatMap((batch) => {
    if (batch.isControl) return [];
    if (batch.compression === 'zstd')
      throw new ProtocolError(errorCodes.UNSUPPORTED_COMPRESSION_TYPE);
    try {
      return convert(batch, options);
    } catch (error) {
      if (!(error instanceof InvalidRecordError || error instanceof CompressionError)) throw error;
      throw new ProtocolError(errorCodes.CORRUPT_MESSAGE, error.message, { cause: error });
    }
  });

const convert = (batch: RecordBatch, { magic, fetchOffset }: DownConversion): Buffer[] => {
  if (batch.magic <= magic) return [batch.bytes()];
  const found = batch.isOld ? messagesIn(batch) : [...batch.records()];
  const isAppendTime = batch.timestampType === 'logAppendTime';
  const codec = batch.compression;
  if (codec === 'none') {
    const wanted = found.filter(({ offset }) => offset >= fetchOffset);
    checkTimestamps(wanted);
    return wanted.map((one) => encodeOldMessage(one, { magic, codec, isAppendTime }));
  }
  if (found.length === 0) return [];
  checkTimestamps(found);
  const timestamp = found.reduce((max, one) => Math.max(max, one.timestamp), -1);
  return [wrapOldMessages(found, { magic, codec, isAppendTime, timestamp })];
};

/** The old formats have no timestamps below the -1 of records without one. */
const checkTimestamps = (records: readonly Record[]): void => {
  if (records.every(({ timestamp }) => timestamp >= -1)) return;
  throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR, 'a negative timestamp');
};

/** Takes `bytes` off the end. */
const cut = (parts: Buffer[], bytes: number): void => {
  for (let left = bytes; left > 0; ) {
    const last = parts.pop() as Buffer;
    if (last.length > left) parts.push(last.subarray(0, last.length - left));
    left -= last.length;
  }
};

/** A message that says to be longer than it is. */
const filler = (sizeBytes: number): Buffer => {
  const buffer = Buffer.alloc(Math.max(sizeBytes, LOG_OVERHEAD));
  writeInt64(buffer, 0, -1);
  buffer.writeInt32BE(Math.max(sizeBytes + 1, BATCH_OVERHEAD), 8);
  return buffer.subarray(0, sizeBytes);
};
