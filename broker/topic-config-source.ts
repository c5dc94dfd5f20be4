/**
 * The settings of topics: what is stored in /config/topics over the broker's settings in force.
 * Asking reads ZooKeeper, because a topic that is deleted and made again is not announced; what was
 * read last is kept for when the broker's own settings change.
 */
import type { LogConfig } from '../log/log-config.ts';
import { configRootZnode } from '../zookeeper/config-znodes.ts';
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { ZnodeFormatError } from '../zookeeper/znode-json.ts';
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

  /**
   * What logs are loaded with at start: the configs of all topics in ZooKeeper, by name. Rejects
   * when ZooKeeper can't be asked.
   */
  async logConfigs(): Promise<Map<string, LogConfig>> {
    const configs = new Map<string, LogConfig>();
    const read = async (topic: string): Promise<void> => {
      try {
        configs.set(topic, (await this.of(topic)).log);
      } catch (error) {
        // One damaged znode is no reason not to start; whoever is to lead the topic will say so.
        if (!(error instanceof ZnodeFormatError)) throw error;
      }
    };
    await Promise.all((await this.#topics()).map(read));
    return configs;
  }

  async #topics(): Promise<string[]> {
    const path = configRootZnode.path('topics');
    try {
      return (await this.#zookeeper.getChildren(path, { watch: false })).children;
    } catch (error) {
      if (isZooKeeperError(error, 'NO_NODE')) return [];
      throw error;
    }
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

  known(topic: string): TopicSettings | undefined {
    const overrides = this.#known.get(topic);
    return overrides === undefined ? undefined : topicLogConfig(this.#config(), overrides);
  }

  /** The stored settings have changed: a read under way is not shared any more. */
  invalidate(topic: string): void {
    this.#reads.delete(topic);
  }

  forget(topic: string): void {
    this.#reads.delete(topic);
    this.#known.delete(topic);
  }
}
