/**
 * Zstandard: Node's own where it has one (22.15 and later), otherwise a WebAssembly build, loaded
 * on first use. Kafka clients write frames without a content size, so the WebAssembly side, which
 * needs the room beforehand, works out a bound from the block headers.
 */

import * as zlib from 'node:zlib';
import { loadPackageFile, readPackageFile } from '../../system/packages.ts';
import { CompressionError } from './compression-error.ts';
import { zstdContentBytesMax } from './zstd-bound.ts';

/** Kafka's default, which is also zstd's. */
const LEVEL_DEFAULT = 3;

export const zstdCompress = (buffer: Buffer, level = LEVEL_DEFAULT): Buffer =>
  hasNative
    ? zlib.zstdCompressSync(buffer, { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } })
    : wasmCompress(buffer, level);

export const zstdDecompress = (buffer: Buffer, bytesMax: number): Buffer =>
  hasNative ? nativeDecompress(buffer, bytesMax) : wasmDecompress(buffer, bytesMax);

const hasNative = 'zstdDecompressSync' in zlib;

const nativeDecompress = (buffer: Buffer, bytesMax: number): Buffer => {
  try {
    return zlib.zstdDecompressSync(buffer, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (cause) {
    throw CompressionError.from('zstd', cause);
  }
};

const PACKAGE = '@bokuweb/zstd-wasm';

/** What the package's loader exports: C functions on addresses in the WebAssembly heap. */
interface WasmZstd {
  instantiateWasm: (imports: object, receive: (instance: object) => unknown) => unknown;
  init(): void;
  /** Replaced when the heap grows. */
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  _ZSTD_isError(result: number): number;
  _ZSTD_compressBound(bytes: number): number;
  _ZSTD_compress(to: number, room: number, from: number, bytes: number, level: number): number;
  _ZSTD_decompress(to: number, room: number, from: number, bytes: number): number;
}

/** The part of the global that we use; its types come with those of browsers only. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (code: Buffer) => object;
    readonly Instance: new (module: object, imports: object) => object;
  };
};

let loaded: WasmZstd | null = null;

/**
 * The package's own start is asynchronous; with the hook of its loader everything happens at once.
 */
const wasm = (): WasmZstd => {
  if (loaded !== null) return loaded;
  const { Module: module } = loadPackageFile(PACKAGE, 'zstd.js') as { readonly Module: WasmZstd };
  const code = new WebAssembly.Module(readPackageFile(PACKAGE, 'zstd.wasm'));
  module.instantiateWasm = (imports, receive) => receive(new WebAssembly.Instance(code, imports));
  module.init();
  loaded = module;
  return module;
};

/**
 * Calls a coder with both buffers in the heap; returns a copy of the result, null when the coder
 * fails. The heap keeps its size afterwards: the limits on input and result are limits on what it
 * ever holds.
 */
const inHeap = (
  input: Buffer,
  room: number,
  code: (to: number, from: number) => number,
): Buffer | null => {
  const module = wasm();
  const from = module._malloc(input.length + room);
  if (from === 0) throw new CompressionError('tooLarge', 'zstd');
  try {
    module.HEAPU8.set(input, from);
    const to = from + input.length;
    const result = code(to, from);
    if (module._ZSTD_isError(result) !== 0) return null;
    return Buffer.from(module.HEAPU8.subarray(to, to + result));
  } finally {
    module._free(from);
  }
};

const wasmCompress = (buffer: Buffer, level: number): Buffer => {
  const room = wasm()._ZSTD_compressBound(buffer.length);
  const result = inHeap(buffer, room, (to, from) =>
    wasm()._ZSTD_compress(to, room, from, buffer.length, level),
  );
  if (result === null) throw new CompressionError('corrupt', 'zstd');
  return result;
};

const wasmDecompress = (buffer: Buffer, bytesMax: number): Buffer => {
  const bound = zstdContentBytesMax(buffer);
  const room = Math.min(bound, bytesMax);
  const result = inHeap(buffer, room, (to, from) =>
    wasm()._ZSTD_decompress(to, room, from, buffer.length),
  );
  if (result === null)
    throw new CompressionError(bound > bytesMax ? 'tooLarge' : 'corrupt', 'zstd');
  return result;
};
