/**
 * LZ4 frames as Kafka uses them: independent blocks of at most 64 KB, no checksum but that of the
 * header, no content size. Reads what Kafka's own reader accepts: other block sizes, block
 * checksums, a content size; not linked blocks. The block coder is a package; the frame is ours,
 * because a bound on the result has to hold while it is read. The package has no slow, dense mode:
 * for that there is lz4-dense.ts. Kafka takes the fast coder at its default level, else the dense one.
 */

import { loadPackage } from '../../system/packages.ts';
import { CompressionError } from './compression-error.ts';
import { lz4DenseBlock } from './lz4-dense.ts';
import { xxhash32 } from './xxhash32.ts';

/**
 * Both put, and expect, the uncompressed length in four bytes (little-endian) before the block;
 * reading it is a limit.
 */
interface Lz4 {
  compressSync(data: Buffer): Buffer;
  uncompressSync(data: Buffer): Buffer;
}

const MAGIC = 0x184d2204;
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const INDEPENDENT_BIT = 0x20;
const BLOCK_CHECKSUM_BIT = 0x10;
const CONTENT_SIZE_BIT = 0x08;
const RESERVED_BITS = 0x03;
/** Magic, version 1 with independent blocks, 64 KB blocks, header checksum. */
const HEADER = Buffer.from('04224d18' + '60' + '40' + '82', 'hex');
const END_MARK = Buffer.alloc(4);
const BLOCK_BYTES = 64 * 1024;
const STORED_BIT = 0x8000_0000;
const LENGTH_BYTES = 4;
const FAST_LEVEL = 9;

let loaded: Lz4 | null = null;

const lz4 = (): Lz4 => {
  loaded ??= loadPackage('lz4-napi') as Lz4;
  return loaded;
};

/** `level` from 1 to 17; see above. */
export const lz4Compress = (buffer: Buffer, level = FAST_LEVEL): Buffer => {
  const parts: Buffer[] = [HEADER];
  for (let position = 0; position < buffer.length; position += BLOCK_BYTES) {
    const raw = buffer.subarray(position, position + BLOCK_BYTES);
    const block = compressBlock(raw, level);
    const bytes = block.length - LENGTH_BYTES;
    if (bytes < raw.length) {
      // In place of the length of what was compressed comes the one that the frame wants.
      block.writeUInt32LE(bytes, 0);
      parts.push(block);
    } else {
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt32LE(raw.length + STORED_BIT);
      parts.push(length, raw);
    }
  }
  parts.push(END_MARK);
  return Buffer.concat(parts);
};

/** With the length of `raw` before it, as the package has it. */
const compressBlock = (raw: Buffer, level: number): Buffer =>
  level === FAST_LEVEL
    ? lz4().compressSync(raw)
    : Buffer.concat([Buffer.alloc(LENGTH_BYTES), lz4DenseBlock(raw, level)]);

interface FrameHeader {
  readonly hasBlockChecksums: boolean;
  readonly blockBytesMax: number;
  /** Where the blocks begin. */
  readonly position: number;
}

export const lz4Decompress = (buffer: Buffer, bytesMax: number): Buffer => {
  const header = readHeader(buffer);
  const parts: Buffer[] = [];
  let { position } = header;
  let bytes = 0;
  for (;;) {
    const word = readWord(buffer, position);
    position += 4;
    if (word === 0) break;
    const length = word % STORED_BIT;
    if (length > header.blockBytesMax || length > buffer.length - position) {
      throw new CompressionError('corrupt', `lz4 block of ${length} bytes`);
    }
    const block = buffer.subarray(position, position + length);
    position += length;
    if (header.hasBlockChecksums) {
      if (readWord(buffer, position) !== xxhash32(block)) {
        throw new CompressionError('corrupt', 'lz4 block checksum');
      }
      position += 4;
    }
    const part = word >= STORED_BIT ? block : uncompressBlock(block, header.blockBytesMax);
    bytes += part.length;
    if (bytes > bytesMax) throw new CompressionError('tooLarge', 'lz4');
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, bytes);
};

const readWord = (buffer: Buffer, position: number): number => {
  if (buffer.length - position < 4) throw new CompressionError('corrupt', 'lz4 frame cut short');
  return buffer.readUInt32LE(position);
};

const readHeader = (buffer: Buffer): FrameHeader => {
  if (buffer.length < HEADER.length || buffer.readUInt32LE(0) !== MAGIC) {
    throw new CompressionError('corrupt', 'lz4 frame header');
  }
  const flags = buffer.readUInt8(4);
  const sizes = buffer.readUInt8(5);
  const code = (sizes >> 4) & 7;
  const isValid =
    (flags & VERSION_MASK) === VERSION &&
    (flags & RESERVED_BITS) === 0 &&
    (flags & INDEPENDENT_BIT) !== 0 &&
    (sizes & 0x8f) === 0 &&
    code >= 4;
  if (!isValid) throw new CompressionError('corrupt', 'lz4 frame header');
  const end = 6 + ((flags & CONTENT_SIZE_BIT) !== 0 ? 8 : 0);
  if (end >= buffer.length || ((xxhash32(buffer.subarray(4, end)) >>> 8) & 0xff) !== buffer[end]) {
    throw new CompressionError('corrupt', 'lz4 header checksum');
  }
  return {
    hasBlockChecksums: (flags & BLOCK_CHECKSUM_BIT) !== 0,
    blockBytesMax: 1 << (2 * code + 8),
    position: end + 1,
  };
};

const uncompressBlock = (block: Buffer, bytesMax: number): Buffer => {
  const input = Buffer.allocUnsafe(LENGTH_BYTES + block.length);
  // No block grows more than 255 times: a small one shall not make the coder allocate much.
  input.writeUInt32LE(Math.min(bytesMax, block.length * 255), 0);
  block.copy(input, LENGTH_BYTES);
  try {
    return lz4().uncompressSync(input);
  } catch (cause) {
    throw new CompressionError('corrupt', 'lz4', { cause });
  }
};
