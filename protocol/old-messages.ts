/**
 * Messages of magic 0 and 1, from before record batches: reading them (a compressed one wraps others) and writing them.
 * What producers send in them is judged by log/validate-messages.ts; what old consumers get is made by down-conversion.ts.
 */

import { BATCH_SIZE_FIELD_MIN, batchSizeAt } from './batches.ts';
import { crc32 } from './checksum.ts';
import { xxhash32 } from './codecs/xxhash32.ts';
import { type Codec, CompressionError, codecs, compress, decompress } from './compression.ts';
import { errorCodes, ProtocolError } from './errors.ts';
import { writeInt64 } from './integers.ts';
import type { Record } from './record.ts';
import { DECOMPRESSED_BYTES_MAX, LOG_OVERHEAD, RecordBatch } from './record-batch.ts';

export type OldMagic = 0 | 1;

const ATTRIBUTES_AT = 17;
const LOG_APPEND_TIME_BIT = 0x08;
const LZ4_FLAGS_AT = 4;
const LZ4_CONTENT_SIZE_BIT = 0x08;

const invalid = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_RECORD, message);

/** The message, or those that it wraps, with the offsets and timestamps they stand for. */
export const messagesIn = (message: RecordBatch): Record[] => {
  if (message.compression === 'none') {
    const { key, value } = contentOf(message);
    return [record(message.baseOffset, message.maxTimestamp, key, value)];
  }
  const { inner, baseOffset } = wrappedMessages(message);
  const isAppendTime = message.timestampType === 'logAppendTime';
  return inner.map((one) => {
    if (one.magic !== message.magic) throw invalid('messages of two formats in one');
    if (one.compression !== 'none') throw invalid('a compressed message in another');
    if (!one.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
    const content = contentOf(one);
    const timestamp = isAppendTime ? message.maxTimestamp : one.maxTimestamp;
    return record(baseOffset + one.baseOffset, timestamp, content.key, content.value);
  });
};

/**
 * What a compressed message wraps, none of it checked, and what its offsets count from. Throws ProtocolError where nothing
 * can be unwrapped, MESSAGE_TOO_LARGE for more than `bytesMax`.
 */
export const wrappedMessages = (
  message: RecordBatch,
  bytesMax = DECOMPRESSED_BYTES_MAX,
): { readonly inner: readonly RecordBatch[]; readonly baseOffset: number } => {
  const { value } = contentOf(message);
  if (message.compression === 'zstd') throw invalid('a message of an old format in zstd');
  if (value === null) throw invalid('a compressed message without content');
  const inner = innerOf(decompressValue(message, value, bytesMax));
  const last = inner.at(-1);
  if (last === undefined) throw invalid('a compressed message without messages');
  const { baseOffset } = message;
  return { inner, baseOffset: message.magic === 0 ? 0 : baseOf(baseOffset, last.baseOffset) };
};

/** Unlike outside, any magic will do here: it has to be that of the wrapper. */
const innerOf = (bytes: Buffer): RecordBatch[] => {
  const inner: RecordBatch[] = [];
  for (let position = 0; ; ) {
    const sizeBytes = batchSizeAt(bytes, position);
    if (sizeBytes === -1) return inner;
    if (sizeBytes < LOG_OVERHEAD + BATCH_SIZE_FIELD_MIN)
      throw new ProtocolError(errorCodes.CORRUPT_MESSAGE, `message of ${sizeBytes} bytes`);
    if (sizeBytes > bytes.length - position) return inner;
    inner.push(new RecordBatch(bytes, position));
    position += sizeBytes;
  }
};

/** The messages in the value of a compressed one, as bytes. Throws ProtocolError. */
export const decompressValue = (
  message: RecordBatch,
  value: Buffer,
  bytesMax = DECOMPRESSED_BYTES_MAX,
): Buffer => {
  const codec = message.compression;
  const isOldLz4 = codec === 'lz4' && message.magic === 0;
  return plainOf(codec, isOldLz4 ? withRightChecksum(value) : value, bytesMax);
};

const plainOf = (codec: Codec, bytes: Buffer, bytesMax: number): Buffer => {
  try {
    return decompress(codec, bytes, bytesMax);
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

/** Key and value of one message, views; bytes after them are ignored. Throws ProtocolError when it is cut short. */
export const contentOf = (message: RecordBatch): { key: Buffer | null; value: Buffer | null } => {
  const bytes = message.bytes();
  const key = bytesAt(bytes, LOG_OVERHEAD + (message.magic === 0 ? 6 : 14));
  const value = bytesAt(bytes, key.end);
  return { key: key.bytes, value: value.bytes };
};

/** Kafka reads past the end and has no better answer than this. */
const cutShort = (): ProtocolError =>
  new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR, 'a message cut short');

const bytesAt = (buffer: Buffer, position: number): { bytes: Buffer | null; end: number } => {
  const start = position + 4;
  if (start > buffer.length) throw cutShort();
  const length = buffer.readInt32BE(position);
  if (length < 0) return { bytes: null, end: start };
  if (length > buffer.length - start) throw cutShort();
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

/** One compressed message around at least one other; `timestamp` is its own, the largest of them all. */
export const wrapOldMessages = (
  messages: readonly Pick<Record, 'offset' | 'timestamp' | 'key' | 'value'>[],
  options: {
    readonly magic: OldMagic;
    readonly codec: Codec;
    readonly isAppendTime: boolean;
    readonly timestamp: number;
  },
): Buffer => {
  const { magic, codec, isAppendTime, timestamp } = options;
  const base = magic === 0 ? 0 : (messages[0]?.offset ?? 0);
  const inner = messages.map((one) =>
    encodeOldMessage({ ...one, offset: one.offset - base }, { magic, codec: 'none', isAppendTime }),
  );
  const value = compress(codec, Buffer.concat(inner));
  if (codec === 'lz4' && magic === 0) {
    const at = lz4ChecksumAt(value);
    value.writeUInt8((xxhash32(value.subarray(0, at)) >>> 8) & 0xff, at);
  }
  const wrapper = { offset: messages.at(-1)?.offset ?? 0, timestamp, key: null, value };
  return encodeOldMessage(wrapper, { magic, codec, isAppendTime });
};

/** One message; a compressed one holds others as its value. A timestamp of LogAppendTime is that of the batch. */
export const encodeOldMessage = (
  message: Pick<Record, 'offset' | 'timestamp' | 'key' | 'value'>,
  options: { readonly magic: OldMagic; readonly codec: Codec; readonly isAppendTime: boolean },
): Buffer => {
  const { key, value } = message;
  const { magic } = options;
  const keyAt = LOG_OVERHEAD + (magic === 0 ? 6 : 14);
  const buffer = Buffer.allocUnsafe(keyAt + 8 + (key?.length ?? 0) + (value?.length ?? 0));
  writeInt64(buffer, 0, message.offset);
  buffer.writeInt32BE(buffer.length - LOG_OVERHEAD, 8);
  buffer.writeInt8(magic, 16);
  const timestampType = options.isAppendTime && magic === 1 ? LOG_APPEND_TIME_BIT : 0;
  buffer.writeUInt8(codecs.indexOf(options.codec) | timestampType, ATTRIBUTES_AT);
  if (magic === 1) writeInt64(buffer, ATTRIBUTES_AT + 1, message.timestamp);
  writeBytes(buffer, writeBytes(buffer, keyAt, key), value);
  buffer.writeUInt32BE(crc32(buffer, 16, buffer.length), LOG_OVERHEAD);
  return buffer;
};

const writeBytes = (buffer: Buffer, position: number, bytes: Buffer | null): number => {
  buffer.writeInt32BE(bytes?.length ?? -1, position);
  return position + 4 + (bytes?.copy(buffer, position + 4) ?? 0);
};
