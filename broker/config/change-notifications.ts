/**
 * Follows a folder of notifications in ZooKeeper: sequential nodes that say what has changed
 * (Kafka's ZkNodeChangeNotificationListener; configs, ACLs and delegation tokens use it). At start
 * all that are there are handled; a handler therefore reads the present state and may be called in
 * vain. Old ones are removed by every broker.
 */
import type { System } from '../../system/system.ts';
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { sequenceNumberOf } from '../../zookeeper/znodes.ts';

const RETENTION_MS = 15 * 60_000;

export interface ChangeNotificationsOptions {
  readonly path: string;
  readonly prefix: string;
  /** Called in the order of the notifications; a failure is logged and the notification skipped. */
  handle(data: Buffer): Promise<void>;
}

export class ChangeNotifications {
  readonly #system: System;
  readonly #zookeeper: ZooKeeperClient;
  readonly #options: ChangeNotificationsOptions;
  #ends: (() => void)[] = [];
  #isStopped = true;
  #isAsked = false;
  #running: Promise<void> | null = null;
  /** Survives sessions, so that a new one does not start over. */
  #lastHandled = -1;
  readonly #createdMs = new Map<string, number>();

  constructor(system: System, zookeeper: ZooKeeperClient, options: ChangeNotificationsOptions) {
    this.#system = system;
    this.#zookeeper = zookeeper;
    this.#options = options;
  }

  /** Handles what is there and follows what comes. */
  start(): Promise<void> {
    this.#isStopped = false;
    this.#ends = [
      this.#zookeeper.watchChildren(this.#options.path, () => this.#ask()),
      this.#zookeeper.onSession({ established: () => this.#ask() }),
    ];
    return this.#ask();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#ends.splice(0)) end();
    await this.#running;
  }

  /** However often it is asked, one more run follows the present one. */
  #ask(): Promise<void> {
    this.#isAsked = true;
    this.#running ??= this.#runWhileAsked().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #runWhileAsked(): Promise<void> {
    while (this.#isAsked && !this.#isStopped) {
      this.#isAsked = false;
      try {
        await this.#run();
      } catch (error) {
        // The next change or session asks again.
        if (!this.#isStopped)
          this.#system.logger.error(
            { err: error, path: this.#options.path },
            'reading change notifications failed',
          );
      }
    }
  }

  async #run(): Promise<void> {
    const { path, prefix } = this.#options;
    const { children } = await this.#zookeeper.getChildren(path);
    const names = children.filter((name) => name.startsWith(prefix)).sort();
    for (const name of names) {
      if (this.#isStopped) return;
      const number = sequenceNumberOf(name, prefix);
      if (number <= this.#lastHandled) continue;
      await this.#read(name);
      this.#lastHandled = number;
    }
    await this.#purge(new Set(names));
  }

  async #read(name: string): Promise<void> {
    let data: Buffer | null;
    try {
      const node = await this.#zookeeper.getData(`${this.#options.path}/${name}`);
      this.#createdMs.set(name, node.stat.ctimeMs);
      data = node.data;
    } catch (error) {
      // Another broker may have purged it.
      if (isZooKeeperError(error, 'NO_NODE')) return;
      throw error;
    }
    try {
      if (data !== null) await this.#options.handle(data);
    } catch (error) {
      this.#system.logger.error({ err: error, name }, 'handling a change notification failed');
    }
  }

  async #purge(present: ReadonlySet<string>): Promise<void> {
    const oldestMs = this.#system.clock.nowMs() - RETENTION_MS;
    for (const [name, createdMs] of this.#createdMs) {
      if (present.has(name) && createdMs >= oldestMs) continue;
      this.#createdMs.delete(name);
      if (!present.has(name)) continue;
      try {
        await this.#zookeeper.delete(`${this.#options.path}/${name}`);
      } catch (error) {
        if (!isZooKeeperError(error, 'NO_NODE')) throw error;
      }
    }
  }
}
