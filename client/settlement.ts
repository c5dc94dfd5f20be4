/**
 * Settles records exactly once: tells the owners of a batch what became of it, takes it out of the sequences, and gives its
 * memory back. Whether a batch has succeeded or is given up is decided in sender.ts.
 */
import type { Logger } from '../system/logger.ts';
import type { Accumulator, Batch, RecordMetadata, SendCallback } from './accumulator.ts';
import { type PartitionResponse, recordError } from './produce-request.ts';
import type { Sequences } from './sequences.ts';

export class Settlement {
  readonly #logger: Logger;
  readonly #accumulator: Accumulator;
  readonly #sequences: Sequences;
  /** Called when memory has been freed. */
  readonly #onRoom: () => void;

  constructor(
    logger: Logger,
    collaborators: { accumulator: Accumulator; sequences: Sequences; onRoom: () => void },
  ) {
    this.#logger = logger;
    this.#accumulator = collaborators.accumulator;
    this.#sequences = collaborators.sequences;
    this.#onRoom = collaborators.onRoom;
  }

  succeeded(batch: Batch, baseOffset: number, logAppendTimeMs: number): void {
    if (batch.isDone) return;
    if (batch.hasSequence) this.#sequences.acknowledged(batch);
    this.#accumulator.done(batch);
    const { topic, partition } = batch.queue;
    for (let index = 0; index < batch.callbacks.length; index++) {
      const callback = batch.callbacks[index];
      if (callback === null || callback === undefined) continue;
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      const own = batch.records[index]?.timestamp ?? -1;
      const timestamp = logAppendTimeMs >= 0 ? logAppendTimeMs : own;
      tell(this.#logger, callback, null, { topic, partition, offset, timestamp });
    }
    this.#onRoom();
  }

  failed(batch: Batch, error: Error, recordErrors: PartitionResponse['recordErrors'] = []): void {
    if (batch.isDone) return;
    this.#sequences.abandoned(batch);
    this.#accumulator.done(batch);
    for (let index = 0; index < batch.callbacks.length; index++) {
      const callback = batch.callbacks[index];
      if (callback) tell(this.#logger, callback, recordError(error, recordErrors, index), null);
    }
    this.#onRoom();
  }
}

/** A callback that throws is its owner's affair; the other records are to be settled all the same. */
export const tell = (
  logger: Logger,
  callback: SendCallback,
  failure: Error | null,
  metadata: RecordMetadata | null,
): void => {
  try {
    callback(failure, metadata);
  } catch (error) {
    logger.error({ err: error }, 'a callback of the producer has thrown');
  }
};
