/** Messages that cannot be decoded, in the words of Kafka's generated classes. */
import { DecodeError } from '../../protocol/bytes.ts';
import { JavaFailure } from '../options/java-failure.ts';
import { underflow } from './java-buffer.ts';

/** Sizes of numbers; whatever else is cut short is a string or bytes. */
const NUMBER_BYTES = new Set(['1', '2', '4', '8']);

/** Calls `decode`; throws JavaFailure instead of DecodeError. */
export const decoding = <T>(decode: () => T): T => {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const [, wanted, left] = /^(\d+) bytes wanted, (\d+) left$/.exec(error.message) ?? [];
    if (wanted === undefined) throw new JavaFailure('java.lang.RuntimeException', error.message);
    if (NUMBER_BYTES.has(wanted)) throw underflow();
    throw new JavaFailure(
      'java.lang.RuntimeException',
      `Error reading byte array of ${wanted} byte(s): only ${left} byte(s) available`,
    );
  }
};
