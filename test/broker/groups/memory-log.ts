/** __consumer_offsets in memory: appends are acknowledged at once, when told to, or refused. */
import type { CoordinatorLog } from '../../../broker/coordinator-log.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { RecordBatch } from '../../../protocol/record-batch.ts';

export class MemoryLog implements CoordinatorLog {
  /** Refuses every append with this code. */
  errorCode: number = errorCodes.NONE;
  /** Throws on so many reads. */
  failedReads = 0;
  readonly #partitions = new Map<number, { batches: Buffer[]; endOffset: number }>();
  #held: (() => void)[] | null = null;

  /** From now on appends wait for `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const acknowledge of held) acknowledge();
  }

  append(_topic: string, partition: number, batch: Buffer): Promise<number> {
    const { errorCode } = this;
    if (errorCode !== errorCodes.NONE) return Promise.resolve(errorCode);
    const log = this.#log(partition);
    const view = new RecordBatch(batch, 0);
    view.setBaseOffset(log.endOffset);
    log.endOffset = view.nextOffset;
    log.batches.push(batch);
    const held = this.#held;
    if (held === null) return Promise.resolve(errorCodes.NONE);
    return new Promise((resolve) => held.push(() => resolve(errorCodes.NONE)));
  }

  async *read(_topic: string, partition: number): AsyncGenerator<Buffer> {
    if (this.failedReads > 0) {
      this.failedReads--;
      throw new Error('the disk is on fire');
    }
    for (const batch of [...this.#log(partition).batches]) yield batch;
  }

  /** Puts bytes behind what is there, as they are. */
  fill(partition: number, bytes: Buffer): void {
    this.#log(partition).batches.push(bytes);
  }

  batches(partition: number): RecordBatch[] {
    return this.#log(partition).batches.map((batch) => new RecordBatch(batch, 0));
  }

  #log(partition: number): { batches: Buffer[]; endOffset: number } {
    let log = this.#partitions.get(partition);
    if (log === undefined) {
      log = { batches: [], endOffset: 0 };
      this.#partitions.set(partition, log);
    }
    return log;
  }
}
