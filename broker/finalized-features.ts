/**
 * The features that the whole cluster has agreed on, as /feature says, and the epoch by which clients tell older answers
 * from newer ones: that node's version (KIP-584; Kafka's FinalizedFeatureChangeListener). In a ZooKeeper cluster there are
 * none, and the epoch is 0 from the first controller on.
 */
import type { System } from '../system/system.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { featureZnode } from '../zookeeper/znodes.ts';

/** The epoch while nothing has been agreed on. */
const NO_FEATURES_EPOCH = -1;

export interface AgreedFeatures {
  readonly epoch: number;
  /** Level by feature; level 0 means that it is not there. */
  readonly levels: Readonly<Record<string, number>>;
}

export class FinalizedFeatures implements AgreedFeatures {
  readonly #system: System;
  readonly #zookeeper: ZooKeeperClient;
  #epoch = NO_FEATURES_EPOCH;
  #levels: Readonly<Record<string, number>> = {};
  #endings: (() => void)[] = [];
  /** Counts reads, so that an older answer never replaces a newer one. */
  #readNumber = 0;

  constructor(system: System, zookeeper: ZooKeeperClient) {
    this.#system = system;
    this.#zookeeper = zookeeper;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get levels(): Readonly<Record<string, number>> {
    return this.#levels;
  }

  /** Reads what is there and follows it; resolves when it has been read. */
  async start(): Promise<void> {
    const again = (): void => void this.#read();
    this.#endings = [
      this.#zookeeper.watchNode(featureZnode.path, again),
      this.#zookeeper.onSession({ established: again }),
    ];
    await this.#read();
  }

  stop(): void {
    for (const end of this.#endings.splice(0)) end();
  }

  async #read(): Promise<void> {
    const number = ++this.#readNumber;
    try {
      // This watches for the node, too, while the first controller of a cluster has not made it.
      const isThere = (await this.#zookeeper.exists(featureZnode.path)) !== null;
      const found = isThere ? await this.#zookeeper.getData(featureZnode.path) : null;
      const agreed = found && featureZnode.decode(found.data ?? Buffer.alloc(0));
      if (number !== this.#readNumber) return;
      this.#epoch = found && agreed?.isEnabled ? found.stat.version : NO_FEATURES_EPOCH;
      this.#levels = agreed?.isEnabled ? agreed.features : {};
    } catch (error) {
      // With the next session, or the next change, it is read again.
      if (this.#endings.length > 0)
        this.#system.logger.warn({ err: error }, 'could not read the finalized features');
    }
  }
}
