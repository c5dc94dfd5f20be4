/**
 * The one error of the codecs: the bytes are not what they should be, or would become more than the
 * limit allows.
 */

export class CompressionError extends Error {
  override readonly name = 'CompressionError';
  readonly reason: 'corrupt' | 'tooLarge';

  constructor(reason: 'corrupt' | 'tooLarge', message: string, options?: ErrorOptions) {
    super(`${message}: ${reason === 'corrupt' ? 'bad compressed data' : 'too large'}`, options);
    this.reason = reason;
  }

  /** Wraps what node:zlib threw. */
  static from(codec: string, cause: unknown): CompressionError {
    const isTooLarge = (cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
    return new CompressionError(isTooLarge ? 'tooLarge' : 'corrupt', codec, { cause });
  }
}
