/**
 * A consumer that reads every partition from the beginning, in order, without gaps, and tells the history what it sees.
 */
import { apis } from '../../protocol/apis.ts';
import { batches } from '../../protocol/batches.ts';
import { errorCodes, errorOf } from '../../protocol/errors.ts';
import type { Leader, SimClient } from './client.ts';
import type { History } from './history.ts';
import { Violation, type World } from './world.ts';

const FETCH_VERSION = 12;
const MAX_WAIT_MS = 500;
const MAX_BYTES = 64 * 1024;

export class SimConsumer {
  readonly name: string;
  /** Next offset of each partition. */
  readonly positions: number[];
  readonly #world: World;
  readonly #client: SimClient;
  readonly #history: History;

  constructor(world: World, client: SimClient, history: History, name: string) {
    this.#world = world;
    this.#client = client;
    this.#history = history;
    this.name = name;
    this.positions = history.partitions.map(() => 0);
  }

  start(): void {
    for (const [partition] of this.positions.entries())
      void this.#consume(partition).catch((error: Error) => this.#world.fail(error));
  }

  async #consume(partition: number): Promise<never> {
    const { topic } = this.#history;
    for (;;) {
      const leader = await this.#client.leader(topic, partition);
      const isFetched = leader !== null && (await this.#fetch(partition, leader));
      if (isFetched) continue;
      this.#client.forget(topic, partition);
      await this.#client.sleep(20, 200);
    }
  }

  async #fetch(partition: number, { brokerId, leaderEpoch }: Leader): Promise<boolean> {
    const { topic } = this.#history;
    const position = this.positions[partition] as number;
    const answer = await this.#client
      .send(
        brokerId,
        apis.fetch,
        {
          replicaId: -1,
          maxWaitMs: MAX_WAIT_MS,
          minBytes: 1,
          maxBytes: MAX_BYTES,
          isolationLevel: 0,
          topics: [
            {
              topic,
              partitions: [
                {
                  partition,
                  currentLeaderEpoch: leaderEpoch,
                  fetchOffset: position,
                  partitionMaxBytes: MAX_BYTES,
                },
              ],
            },
          ],
        },
        { version: FETCH_VERSION },
      )
      // The broker is down or cut off.
      .catch(() => null);
    const result = answer?.responses[0]?.partitions[0];
    if (result === undefined) return false;
    if (result.errorCode !== errorCodes.NONE) {
      this.#trace(partition, `at ${position}: ${errorOf(result.errorCode).name}`);
      return false;
    }
    if (result.records !== null) this.#take(partition, result.records, result.highWatermark);
    return true;
  }

  #take(partition: number, records: Buffer, highWatermark: number): void {
    const history = this.#history.of(partition);
    for (const batch of batches(records)) {
      if (!batch.isCrcValid()) throw new Violation(`${history.name}: a damaged batch was served`);
      for (const { offset, value } of batch.records()) {
        const position = this.positions[partition] as number;
        if (offset < position) continue;
        if (offset > position)
          throw new Violation(
            `${history.name}: ${this.name} skipped from ${position} to ${offset}`,
          );
        if (offset >= highWatermark)
          throw new Violation(`${history.name}: ${offset} was served above ${highWatermark}`);
        history.seen(offset, value?.toString() ?? '', `read by ${this.name}`);
        this.positions[partition] = offset + 1;
      }
    }
    this.#trace(partition, `read to ${this.positions[partition]}`);
  }

  #trace(partition: number, text: string): void {
    this.#world.trace.event(
      this.#world.nowMs,
      `${this.#history.topic}-${partition} ${this.name} ${text}`,
    );
  }
}
