/**
 * The codecs of record batches: gzip, snappy, lz4 and zstd, each in the framing that Java clients
 * write (codecs/). One synchronous function each way. Libraries load on first use, so that a broker
 * that never meets a codec never pays for it. Decompression stops at a limit the caller sets: a few
 * bytes can claim to be gigabytes.
 */

import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { CompressionError } from './codecs/compression-error.ts';
import { lz4Compress, lz4Decompress } from './codecs/lz4.ts';
import { snappyCompress, snappyDecompress } from './codecs/snappy.ts';
import { zstdCompress, zstdDecompress } from './codecs/zstd.ts';

export { CompressionError } from './codecs/compression-error.ts';

/** By their number in the batch attributes. */
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof codecs)[number];

interface CodecFunctions {
  compress(buffer: Buffer, level: number | undefined): Buffer;
  decompress(buffer: Buffer, bytesMax: number): Buffer;
}

/** Compresses; without a level at Kafka's default for the codec. May return the buffer itself. */
export const compress = (codec: Codec, buffer: Buffer, level?: number): Buffer =>
  table[codec].compress(buffer, level);

/**
 * Decompresses to at most `bytesMax` bytes; throws CompressionError. May return the buffer itself.
 */
export const decompress = (codec: Codec, buffer: Buffer, bytesMax: number): Buffer =>
  table[codec].decompress(buffer, bytesMax);

const gzipDecompress = (buffer: Buffer, bytesMax: number): Buffer => {
  try {
    return gunzipSync(buffer, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (cause) {
    throw CompressionError.from('gzip', cause);
  }
};

const table: { readonly [C in Codec]: CodecFunctions } = {
  none: { compress: (buffer) => buffer, decompress: (buffer) => buffer },
  gzip: {
    compress: (buffer, level = constants.Z_DEFAULT_COMPRESSION) => gzipSync(buffer, { level }),
    decompress: gzipDecompress,
  },
  snappy: { compress: snappyCompress, decompress: snappyDecompress },
  lz4: { compress: lz4Compress, decompress: lz4Decompress },
  zstd: { compress: zstdCompress, decompress: zstdDecompress },
};
