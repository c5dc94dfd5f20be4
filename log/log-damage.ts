/**
 * Damage of one partition's files at which Kafka ends the start of the whole broker instead of
 * taking the directory out of use: to go on would lose or hide records that were acknowledged.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';

/** What is wrong, and with which file, as part of a sentence. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError';
}

/** What of an error of loading a partition ends the start; null for all others. */
export const damageThatEndsStart = (error: unknown): string | null => {
  if (error instanceof DamagedLogError) return error.message;
  // A batch outside a transaction that its producer has open: no broker lets that in.
  const isOutOfTransaction =
    error instanceof ProtocolError && error.code === errorCodes.INVALID_TXN_STATE;
  return isOutOfTransaction ? 'a producer wrote outside its own open transaction' : null;
};
