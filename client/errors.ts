/** What callers of the clients can catch, besides `ProtocolError` (a code a broker answered with). */

import { ChannelClosed, RequestTimeout } from '../network/errors.ts';
import { errorOf, ProtocolError } from '../protocol/errors.ts';

export { ChannelClosed, RequestTimeout, UnsupportedVersion } from '../network/errors.ts';
export { ProtocolError } from '../protocol/errors.ts';

/** What was asked for did not happen in the time given for it. It may still happen. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** The client was closed while the call was under way, or before it. */
export class ClientClosed extends Error {
  override readonly name = 'ClientClosed';
}

/** A setting that cannot be, alone or beside another one. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A record beyond max.request.size or buffer.memory; nothing was sent. */
export class RecordTooLarge extends Error {
  override readonly name = 'RecordTooLarge';
}

/** The group has moved on without this member: its partitions belong to others, its offsets were not stored. */
export class CommitFailed extends Error {
  override readonly name = 'CommitFailed';
}

/** There is no committed offset, or the position is gone, and auto.offset.reset is `none`. */
export class NoOffset extends Error {
  override readonly name = 'NoOffset';
}

/** The log was cut below the consumer's position, so what it has read is not there any more. */
export class LogTruncated extends Error {
  override readonly name = 'LogTruncated';
}

/** `wakeup` was called on the consumer. */
export class Wakeup extends Error {
  override readonly name = 'Wakeup';
}

/** Throws for any code but 0; `detail` is the broker's own text, if it sent one. */
export const throwIfError = (code: number, detail?: string | null): void => {
  if (code !== 0) throw protocolError(code, detail);
};

export const protocolError = (code: number, detail?: string | null): ProtocolError =>
  new ProtocolError(code, detail ?? undefined);

/** Whether the same call may succeed later without a change by the caller. */
export const isRetriable = (error: unknown): boolean => {
  if (error instanceof ChannelClosed || error instanceof RequestTimeout) return true;
  return error instanceof ProtocolError && errorOf(error.code).isRetriable;
};
