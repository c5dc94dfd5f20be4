/**
 * The settings of topics: what is stored in /config/topics over the broker's settings in force.
 * Asking reads ZooKeeper, because a topic that is deleted and made again is not announced; what was
 * read last is kept for when the broker's own settings change.
 */
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { readConfig } from './config/config-store.ts';
import { type Overrides, topicLogConfig } from './config/topic-configs.ts';
import type { BrokerConfig } from './config.ts';
import type { TopicSettings, TopicSettingsSource } from './topic-settings.ts';

export class TopicConfigSource implements TopicSettingsSource {
  readonly #zookeeper: ZooKeeperClient;
  readonly #config: () => BrokerConfig;
  /** Reads under way, shared by the partitions of a topic. */
  readonly #reads = new Map<string, Promise<Overrides>>();
  readonly #known = new Map<string, Overrides>();

  /** `config` answers with the broker's settings in force. */
  constructor(zookeeper: ZooKeeperClient, config: () => BrokerConfig) {
    this.#zookeeper = zookeeper;
    this.#config = config;
  }

  async of(topic: string): Promise<TopicSettings> {
    return topicLogConfig(this.#config(), await this.overrides(topic));
  }

  /** The topic's own settings as stored; empty when there are none. */
  overrides(topic: string): Promise<Overrides> {
    const running = this.#reads.get(topic);
    if (running !== undefined) return running;
    const read = readConfig(this.#zookeeper, `topics/${topic}`)
      .then((overrides) => {
        // A read that was invalidated meanwhile may be old.
        if (this.#reads.get(topic) === read) this.#known.set(topic, overrides);
        return overrides;
      })
      .finally(() => {
        if (this.#reads.get(topic) === read) this.#reads.delete(topic);
      });
    this.#reads.set(topic, read);
    return read;
  }

  /** What was read last, under the broker's present settings; undefined when nothing was read. */
  known(topic: string): TopicSettings | undefined {
    const overrides = this.#known.get(topic);
    return overrides === undefined ? undefined : topicLogConfig(this.#config(), overrides);
  }

  /** The stored settings have changed: a read under way is not shared any more. */
  invalidate(topic: string): void {
    this.#reads.delete(topic);
  }

  /** The topic has left this broker. */
  forget(topic: string): void {
    this.#reads.delete(topic);
    this.#known.delete(topic);
  }
}
