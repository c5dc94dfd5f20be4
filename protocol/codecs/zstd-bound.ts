/**
 * How large the content of zstd frames can be at the most, read from frame and block headers (RFC
 * 8878, section 3.1.1) without decompressing: raw and repeated blocks tell their size, compressed
 * ones hold at most 128 KB.
 */

import { CompressionError } from './compression-error.ts';

const FRAME_MAGIC = 0xfd2fb528;
/** Sixteen magic numbers, 0x184d2a50 and up, mark frames to be skipped. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const BLOCK_BYTES_MAX = 128 * 1024;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/**
 * An upper bound for the content of all frames in `buffer`; throws CompressionError when they are
 * not whole.
 */
export const zstdContentBytesMax = (buffer: Buffer): number => {
  let position = 0;
  let bytes = 0;
  while (position < buffer.length) {
    need(buffer, position, 8);
    const magic = buffer.readUInt32LE(position);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      position += 8 + buffer.readUInt32LE(position + 4);
      continue;
    }
    if (magic !== FRAME_MAGIC) throw new CompressionError('corrupt', 'zstd frame magic');
    const descriptor = buffer.readUInt8(position + 4);
    position += 5 + headerBytes(descriptor);
    for (let isLast = false; !isLast; ) {
      need(buffer, position, 3);
      const block = buffer.readUIntLE(position, 3);
      const type = (block >> 1) & 3;
      const size = block >> 3;
      isLast = (block & 1) !== 0;
      bytes += type === COMPRESSED ? BLOCK_BYTES_MAX : size;
      position += 3 + (type === REPEATED ? 1 : size);
    }
    if ((descriptor & CHECKSUM_BIT) !== 0) position += 4;
  }
  return bytes;
};

const REPEATED = 1;
const COMPRESSED = 2;
const CHECKSUM_BIT = 0x04;
const SINGLE_SEGMENT_BIT = 0x20;

/** What follows the descriptor byte: window, dictionary id, content size. */
const headerBytes = (descriptor: number): number => {
  const isSingleSegment = (descriptor & SINGLE_SEGMENT_BIT) !== 0;
  const contentSizeBytes = CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3];
  return (
    (isSingleSegment ? 0 : 1) +
    DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3] +
    (contentSizeBytes === 0 && isSingleSegment ? 1 : contentSizeBytes)
  );
};

const need = (buffer: Buffer, position: number, bytes: number): void => {
  if (buffer.length - position < bytes) {
    throw new CompressionError('corrupt', 'zstd frame cut short');
  }
};
