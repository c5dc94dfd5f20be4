/**
 * Whether one log can still be used, and how its failures look to those who asked it for something.
 * The first failure of the disk is the log's last: its manager is told, and takes the whole
 * directory out of use.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { CorruptLogError } from './batch-scan.ts';

export interface LogGuardOptions {
  /** Where the log is, for messages. */
  directory(): string;
  /** Called with the first failure. */
  failed(error: unknown): void;
}

export class LogGuard {
  isClosed = false;
  readonly #options: LogGuardOptions;
  #hasFailed = false;

  constructor(options: LogGuardOptions) {
    this.#options = options;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Neither closed nor failed. */
  get isUsable(): boolean {
    return !this.isClosed && !this.#hasFailed;
  }

  /** Throws ProtocolError unless the log can be used. */
  check(): void {
    if (this.#hasFailed) throw storageError(this.#options.directory(), null);
    if (this.isClosed) throw closedError();
  }

  /** Turns failures of the disk into the error a client gets, after telling of them. */
  async run<T>(job: () => Promise<T>): Promise<T> {
    this.check();
    try {
      return await job();
    } catch (error) {
      if (error instanceof CorruptLogError)
        throw new ProtocolError(errorCodes.CORRUPT_MESSAGE, error.message, { cause: error });
      if (!isDiskError(error)) throw error;
      // Its files have been renamed under a look-up: the log is gone, not the disk.
      if (this.isClosed) throw closedError();
      this.fail(error);
      throw storageError(this.#options.directory(), error);
    }
  }

  fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.failed(error);
  }
}

const closedError = (): ProtocolError =>
  new ProtocolError(errorCodes.NOT_LEADER_OR_FOLLOWER, 'log closed');

/** The log's disk has failed, now with `cause` or before. */
export const storageError = (directory: string, cause: unknown): ProtocolError =>
  new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, `the log in ${directory} has failed`, {
    cause,
  });

/** `offset` is none of the log's. */
export const outOfRange = (
  offset: number,
  log: { readonly logStartOffset: number; readonly logEndOffset: number },
): ProtocolError => {
  const range = `from ${log.logStartOffset} to ${log.logEndOffset}`;
  return new ProtocolError(errorCodes.OFFSET_OUT_OF_RANGE, `offset ${offset} of a log ${range}`);
};

/** Errors of system calls carry Node's code, such as ENOSPC. */
const isDiskError = (error: unknown): boolean =>
  typeof (error as NodeJS.ErrnoException | null)?.code === 'string';
