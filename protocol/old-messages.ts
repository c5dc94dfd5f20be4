/**
 * Messages of magic 0 and 1, from before record batches: reading them (a compressed one wraps others), turning what an old
 * producer sends into a batch, and batches into what an old consumer reads. Reproduces Kafka's up- and down-conversion,
 * in one piece instead of lazily; what a log keeps of old messages is not changed by anything here.
 */
import { crc32 } from './checksum.ts';
import { xxhash32 } from './codecs/xxhash32.ts';
import { type Codec, CompressionError, codecs, compress, decompress } from './compression.ts';
import { errorCodes, ProtocolError } from './errors.ts';
import type { Record, RecordInput } from './record.ts';
import {
  BATCH_OVERHEAD,
  batches,
  buildBatch,
  DECOMPRESSED_BYTES_MAX,
  LOG_OVERHEAD,
  type RecordBatch,
  writeLong,
} from './record-batch.ts';

export type OldMagic = 0 | 1;

const ATTRIBUTES_AT = 17;
const LOG_APPEND_TIME_BIT = 0x08;
const LZ4_FLAGS_AT = 4;
const LZ4_CONTENT_SIZE_BIT = 0x08;

const invalid = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_RECORD, message);

/** The message, or those that it wraps, with the offsets and timestamps they stand for. */
export const messagesIn = (message: RecordBatch): Record[] => {
  const { key, value } = contentOf(message);
  const codec = message.compression;
  if (codec === 'none') return [record(message.baseOffset, message.maxTimestamp, key, value)];
  const magic: OldMagic = message.magic === 0 ? 0 : 1;
  if (codec === 'zstd') throw invalid('a message of an old format in zstd');
  if (value === null) throw invalid('a compressed message without content');
  const plain = codec === 'lz4' && magic === 0 ? withRightChecksum(value) : value;
  const inner = [...batches(plainOf(codec, plain))];
  const last = inner.at(-1);
  if (last === undefined) throw invalid('a compressed message without messages');
  const base = magic === 0 ? 0 : baseOf(message.baseOffset, last.baseOffset);
  const isAppendTime = message.timestampType === 'logAppendTime';
  return inner.map((one) => {
    if (one.magic !== magic) throw invalid('messages of two formats in one');
    if (one.compression !== 'none') throw invalid('a compressed message in another');
    if (!one.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
    const content = contentOf(one);
    const timestamp = isAppendTime ? message.maxTimestamp : one.maxTimestamp;
    return record(base + one.baseOffset, timestamp, content.key, content.value);
  });
};

const plainOf = (codec: Codec, bytes: Buffer): Buffer => {
  try {
    return decompress(codec, bytes, DECOMPRESSED_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    const { MESSAGE_TOO_LARGE, UNKNOWN_SERVER_ERROR } = errorCodes;
    const code = error.reason === 'tooLarge' ? MESSAGE_TOO_LARGE : UNKNOWN_SERVER_ERROR;
    throw new ProtocolError(code, error.message, { cause: error });
  }
};

/** What the relative offsets of magic 1 count from; old clients of librdkafka leave the wrapper's at 0. */
const baseOf = (wrapperOffset: number, lastRelative: number): number => {
  if (wrapperOffset === 0) return 0;
  if (wrapperOffset < lastRelative) throw invalid('a compressed message with too small an offset');
  return wrapperOffset - lastRelative;
};

const record = (
  offset: number,
  timestamp: number,
  key: Buffer | null,
  value: Buffer | null,
): Record => ({ offset, timestamp, key, value, headers: [], sequence: -1 });

const contentOf = (message: RecordBatch): { key: Buffer | null; value: Buffer | null } => {
  const bytes = message.bytes();
  const key = bytesAt(bytes, LOG_OVERHEAD + (message.magic === 0 ? 6 : 14));
  const value = bytesAt(bytes, key.end);
  if (value.end !== bytes.length) throw invalid('a message with bytes left over');
  return { key: key.bytes, value: value.bytes };
};

const bytesAt = (buffer: Buffer, position: number): { bytes: Buffer | null; end: number } => {
  const start = position + 4;
  if (start > buffer.length) throw invalid('a message cut short');
  const length = buffer.readInt32BE(position);
  if (length < 0) return { bytes: null, end: start };
  if (length > buffer.length - start) throw invalid('a message cut short');
  return { bytes: buffer.subarray(start, start + length), end: start + length };
};

/** The same LZ4 frame; whoever wrote magic 0 took the checksum of its header over the wrong bytes. */
const withRightChecksum = (frame: Buffer): Buffer => {
  const at = lz4ChecksumAt(frame);
  if (at >= frame.length) return frame;
  const copy = Buffer.from(frame);
  copy.writeUInt8((xxhash32(copy.subarray(LZ4_FLAGS_AT, at)) >>> 8) & 0xff, at);
  return copy;
};

const lz4ChecksumAt = (frame: Buffer): number =>
  ((frame[LZ4_FLAGS_AT] ?? 0) & LZ4_CONTENT_SIZE_BIT) === 0 ? 6 : 14;

/**
 * What a producer of old messages sent as one batch in the same codec, to be appended as any other; a batch stays as it
 * is. Throws ProtocolError with Kafka's codes.
 */
export const batchOfOldMessages = (records: Buffer): Buffer => {
  const messages = [...batches(records)];
  const first = messages[0];
  if (first === undefined || !first.isOld) return records;
  const codec = first.compression;
  const found: RecordInput[] = [];
  for (const message of messages) {
    if (message.magic !== first.magic) throw invalid('messages of two formats');
    if (messages.length > 1 && message.compression !== 'none')
      throw invalid('a compressed message beside others');
    if (!message.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
    if (message.timestampType === 'logAppendTime')
      throw new ProtocolError(errorCodes.INVALID_TIMESTAMP);
    for (const one of messagesIn(message)) found.push(one);
  }
  return buildBatch({ records: found, compression: codec });
};

/**
 * Batches and old messages, whole ones, as a consumer reads them that knows nothing above `magic`. Control batches and
 * headers are left out. As with Kafka, the result is at least as long as what was read: an incomplete message, which
 * consumers skip, fills it up. zstd has no place in old messages: throws where it comes first, else the result ends there.
 */
export const oldMessagesOf = (
  records: Buffer,
  options: { readonly magic: OldMagic; readonly fetchOffset: number },
): Buffer => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  let hasBatches = false;
  for (const batch of batches(records)) {
    hasBatches = true;
    if (batch.isControl) continue;
    if (batch.compression === 'zstd') {
      if (sizeBytes === 0) throw new ProtocolError(errorCodes.UNSUPPORTED_COMPRESSION_TYPE);
      break;
    }
    for (const part of convert(batch, options)) {
      parts.push(part);
      sizeBytes += part.length;
    }
  }
  if (!hasBatches) return records;
  const wantedBytes = sizeBytes === 0 ? LOG_OVERHEAD : Math.max(sizeBytes, records.length);
  parts.push(filler(wantedBytes - sizeBytes));
  return Buffer.concat(parts);
};

const convert = (
  batch: RecordBatch,
  { magic, fetchOffset }: { readonly magic: OldMagic; readonly fetchOffset: number },
): Buffer[] => {
  if (batch.magic <= magic) return [batch.bytes()];
  const found = batch.isOld ? messagesIn(batch) : [...batch.records()];
  const isAppendTime = batch.timestampType === 'logAppendTime';
  const codec = batch.compression;
  if (codec === 'none')
    return found
      .filter(({ offset }) => offset >= fetchOffset)
      .map((one) => encode(one, { magic, codec, isAppendTime }));
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined) return [];
  const base = magic === 0 ? 0 : first.offset;
  const inner = found.map((one) =>
    encode({ ...one, offset: one.offset - base }, { magic, codec: 'none', isAppendTime: false }),
  );
  const value = compress(codec, Buffer.concat(inner));
  if (codec === 'lz4' && magic === 0) {
    const at = lz4ChecksumAt(value);
    value.writeUInt8((xxhash32(value.subarray(0, at)) >>> 8) & 0xff, at);
  }
  const wrapper = { offset: last.offset, timestamp: batch.maxTimestamp, key: null, value };
  return [encode(wrapper, { magic, codec, isAppendTime })];
};

const encode = (
  message: Pick<Record, 'offset' | 'timestamp' | 'key' | 'value'>,
  options: { readonly magic: OldMagic; readonly codec: Codec; readonly isAppendTime: boolean },
): Buffer => {
  const { key, value } = message;
  const { magic } = options;
  const keyAt = LOG_OVERHEAD + (magic === 0 ? 6 : 14);
  const buffer = Buffer.allocUnsafe(keyAt + 8 + (key?.length ?? 0) + (value?.length ?? 0));
  writeLong(buffer, 0, message.offset);
  buffer.writeInt32BE(buffer.length - LOG_OVERHEAD, 8);
  buffer.writeInt8(magic, 16);
  const timestampType = options.isAppendTime && magic === 1 ? LOG_APPEND_TIME_BIT : 0;
  buffer.writeUInt8(codecs.indexOf(options.codec) | timestampType, ATTRIBUTES_AT);
  if (magic === 1) writeLong(buffer, ATTRIBUTES_AT + 1, message.timestamp);
  writeBytes(buffer, writeBytes(buffer, keyAt, key), value);
  buffer.writeUInt32BE(crc32(buffer, 16, buffer.length), LOG_OVERHEAD);
  return buffer;
};

const writeBytes = (buffer: Buffer, position: number, bytes: Buffer | null): number => {
  buffer.writeInt32BE(bytes?.length ?? -1, position);
  return position + 4 + (bytes?.copy(buffer, position + 4) ?? 0);
};

/** A message that says to be longer than it is. */
const filler = (sizeBytes: number): Buffer => {
  const buffer = Buffer.alloc(Math.max(sizeBytes, LOG_OVERHEAD));
  writeLong(buffer, 0, -1);
  buffer.writeInt32BE(Math.max(sizeBytes + 1, BATCH_OVERHEAD), 8);
  return buffer.subarray(0, Math.max(sizeBytes, 0));
};
