/**
 * Tells the controller that this broker has lost a log directory: a sequential znode, whose content is the broker's id
 * (KIP-112). The controller then asks the broker for its replicas again and learns from the answers which are offline.
 */
import type { System } from '../system/system.ts';
import { logDirEventNotificationZnode } from '../zookeeper/admin-znodes.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';

const RETRY_MS = 1000;

export class LogDirEvents {
  readonly #system: System;
  readonly #zookeeper: ZooKeeperClient;
  readonly #brokerId: number;
  #isStopped = false;

  constructor(system: System, zookeeper: ZooKeeperClient, brokerId: number) {
    this.#system = system;
    this.#zookeeper = zookeeper;
    this.#brokerId = brokerId;
  }

  /** Resolves when the controller can see the failure; tries until then, because nobody else would ever tell. */
  async announce(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const { path, encode } = logDirEventNotificationZnode;
        await this.#zookeeper.create(path(), encode(this.#brokerId), {
          mode: 'persistent-sequential',
        });
        return;
      } catch (error) {
        if (this.#isStopped) return;
        this.#system.logger.warn({ err: error }, 'could not announce a failed log directory');
        await this.#system.clock.sleep(RETRY_MS);
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}
