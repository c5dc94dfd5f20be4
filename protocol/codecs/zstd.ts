/**
 * Zstandard, by a WebAssembly build that is loaded on first use. Kafka clients write frames without
 * a content size, so the room that it needs beforehand is worked out from the block headers.
 *
 * Node's own zstd (22.15 and later) is left aside: it takes frames that are cut short for whole
 * ones, and of several frames in a row gives the first. It is no faster at reading either.
 */

import { loadPackageFile, readPackageFile } from '../../system/packages.ts';
import { CompressionError } from './compression-error.ts';
import { zstdContentBytesMax } from './zstd-bound.ts';

/** Kafka's default, which is also zstd's. */
const LEVEL_DEFAULT = 3;

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

export const zstdCompress = (buffer: Buffer, level = LEVEL_DEFAULT): Buffer => {
  const room = wasm()._ZSTD_compressBound(buffer.length);
  const result = inHeap(buffer, room, (to, from) =>
    wasm()._ZSTD_compress(to, room, from, buffer.length, level),
  );
  if (result === null) throw new CompressionError('corrupt', 'zstd');
  return result;
};

export const zstdDecompress = (buffer: Buffer, bytesMax: number): Buffer => {
  const bound = zstdContentBytesMax(buffer);
  const room = Math.min(bound, bytesMax);
  const result = inHeap(buffer, room, (to, from) =>
    wasm()._ZSTD_decompress(to, room, from, buffer.length),
  );
  if (result === null)
    throw new CompressionError(bound > bytesMax ? 'tooLarge' : 'corrupt', 'zstd');
  return result;
};
