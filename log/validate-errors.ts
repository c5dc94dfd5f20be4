/** Refusals of single records in a batch: what they say, and how the batch is refused with them. */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';

/** Why one record of a batch was refused. */
export interface RecordError {
  /** The place of the record in its batch. */
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

/** Some records were refused, and with them the batch; the answer names each. */
export class InvalidRecordsError extends ProtocolError {
  readonly recordErrors: readonly RecordError[];

  constructor(code: number, recordErrors: readonly RecordError[]) {
    super(code, `${recordErrors.length} invalid records: ${summary(recordErrors)}`);
    this.recordErrors = recordErrors;
  }
}

/** The message shows this many of the errors. */
const ERRORS_SHOWN_MAX = 3;

const summary = (recordErrors: readonly RecordError[]): string =>
  recordErrors
    .slice(0, ERRORS_SHOWN_MAX)
    .map((error) => `record ${error.batchIndex}: ${error.batchIndexErrorMessage}`)
    .join('; ');

const REASONS = {
  key: 'a compacted topic takes no record without a key',
  time: 'the timestamp is out of the range that the topic allows',
  type: 'a producer may not set the timestamp type LogAppendTime',
  magic: 'the record has another format than the message that holds it',
} as const;

/** The refused records of a batch; costs nothing while there are none. */
export class Refusals {
  #errors: RecordError[] | null = null;
  #code: number = errorCodes.INVALID_RECORD;

  add(batchIndex: number, reason: keyof typeof REASONS): void {
    this.#errors ??= [];
    this.#errors.push({ batchIndex, batchIndexErrorMessage: REASONS[reason] });
    // One wrong timestamp decides for all.
    if (reason === 'time' || reason === 'type') this.#code = errorCodes.INVALID_TIMESTAMP;
  }

  /** Throws InvalidRecordsError if any record was refused. */
  throwIfAny(): void {
    if (this.#errors !== null) throw new InvalidRecordsError(this.#code, this.#errors);
  }
}
