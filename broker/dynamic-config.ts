/**
 * The settings of this broker in force: server.properties under what ZooKeeper holds for all
 * brokers and for this one (KIP-226), and the news of every config that changes in the cluster.
 * Which settings may change and how layers lie over each other is in config/dynamic-settings.ts;
 * what to do about a change, with whoever sets the callbacks.
 */
import type { System } from '../system/system.ts';
import {
  configChangesZnode,
  configChangeZnode,
  DEFAULT_ENTITY,
} from '../zookeeper/config-znodes.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { ChangeNotifications } from './config/change-notifications.ts';
import { readConfig } from './config/config-store.ts';
import {
  checkOverrides,
  checkThreadCounts,
  overlay,
  settingNamed,
  usableOverrides,
} from './config/dynamic-settings.ts';
import { LoggerLevels } from './config/logger-levels.ts';
import {
  decodePassword,
  encodePassword,
  type PasswordEncoderOptions,
} from './config/password-encoder.ts';
import { ConfigError } from './config/setting.ts';
import {
  type BrokerConfig,
  numberOf,
  type Properties,
  parseBrokerConfig,
  textOf,
} from './config.ts';

export class DynamicConfig {
  readonly loggers = new LoggerLevels();
  readonly brokerId: number;
  /** What server.properties says. */
  readonly staticConfig: BrokerConfig;
  /**
   * Called for `topics/…` after its stored config may have changed; also for all recent changes at
   * start.
   */
  onTopicChange: ((topic: string) => void | Promise<void>) | null = null;
  /** Called after `current` has changed, with the names whose values did. */
  onBrokerChange: ((config: BrokerConfig, changed: ReadonlySet<string>) => void) | null = null;
  /** Called for users, clients and ips, with the path below /config. */
  onEntityChange: ((entityPath: string) => void | Promise<void>) | null = null;
  readonly #system: System;
  readonly #zookeeper: ZooKeeperClient;
  readonly #notifications: ChangeNotifications;
  #current: BrokerConfig;
  #clusterOverrides: Properties = new Map();
  #brokerOverrides: Properties = new Map();

  constructor(
    system: System,
    zookeeper: ZooKeeperClient,
    options: { readonly brokerId: number; readonly config: BrokerConfig },
  ) {
    this.#system = system;
    this.#zookeeper = zookeeper;
    this.brokerId = options.brokerId;
    this.staticConfig = withBrokerId(options.config, options.brokerId);
    this.#current = this.staticConfig;
    this.#notifications = new ChangeNotifications(system, zookeeper, {
      path: configChangesZnode.path,
      prefix: configChangeZnode.prefix,
      handle: (data) => this.#handle(data),
    });
  }

  /** The settings in force; replaced as a whole when they change. */
  get current(): BrokerConfig {
    return this.#current;
  }

  /** What is set for all brokers. */
  get clusterOverrides(): Properties {
    return this.#clusterOverrides;
  }

  /** What is set for this broker alone; passwords are in the clear. */
  get brokerOverrides(): Properties {
    return this.#brokerOverrides;
  }

  /** Reads what is stored for this broker; before anything that uses `current` is made. */
  async load(): Promise<void> {
    this.#clusterOverrides = this.#usable(await this.stored(DEFAULT_ENTITY), false);
    this.#brokerOverrides = this.#usable(await this.stored(String(this.brokerId)), true);
    this.#rebuild();
  }

  /** Follows changes; resolves when those that are announced already have been handled. */
  start(): Promise<void> {
    return this.#notifications.start();
  }

  stop(): Promise<void> {
    return this.#notifications.stop();
  }

  /** What ZooKeeper holds for a broker id or `<default>`; passwords that open are in the clear. */
  async stored(name: string): Promise<Map<string, string>> {
    const stored = await readConfig(this.#zookeeper, `brokers/${name}`);
    if (name === DEFAULT_ENTITY) return stored;
    const secrets = ['password.encoder.secret', 'password.encoder.old.secret'].flatMap(
      (setting) => textOf(this.staticConfig, setting) ?? [],
    );
    for (const [key, text] of stored) {
      if (settingNamed(key)?.type !== 'password') continue;
      const password = this.#decoded(key, text, secrets);
      if (password === null) stored.delete(key);
      else stored.set(key, password);
    }
    return stored;
  }

  /** Throws ConfigError unless `overrides` may replace what is set for this broker, or for all. */
  check(overrides: Properties, isForOneBroker: boolean): void {
    checkOverrides(overrides, isForOneBroker);
    const next = isForOneBroker
      ? this.#merged(this.#clusterOverrides, overrides)
      : this.#merged(overrides, this.#brokerOverrides);
    const { config } = parseBrokerConfig(next);
    checkThreadCounts(this.#current.values, config.values);
  }

  /**
   * `overrides` as they go to ZooKeeper: passwords encrypted; throws ConfigError without a secret.
   */
  toStored(overrides: Properties): Map<string, string> {
    return new Map(
      [...overrides].map(([name, text]) => [
        name,
        settingNamed(name)?.type === 'password'
          ? encodePassword(this.#system.random, this.#encoderOptions(), text)
          : text,
      ]),
    );
  }

  async #handle(data: Buffer): Promise<void> {
    const entityPath = configChangeZnode.decode(data);
    const [root, name = ''] = entityPath.split('/');
    switch (root) {
      case 'topics':
        return this.onTopicChange?.(name);
      case 'brokers':
        return this.#brokerChanged(name);
      case 'users':
      case 'clients':
      case 'ips':
        return this.onEntityChange?.(entityPath);
      default:
        this.#system.logger.warn({ entityPath }, 'change of an unknown kind of config');
    }
  }

  async #brokerChanged(name: string): Promise<void> {
    if (name === DEFAULT_ENTITY)
      this.#clusterOverrides = this.#usable(await this.stored(name), false);
    else if (name === String(this.brokerId))
      this.#brokerOverrides = this.#usable(await this.stored(name), true);
    else return;
    this.#rebuild();
  }

  #usable(stored: Properties, isForOneBroker: boolean): Properties {
    const { usable, ignored } = usableOverrides(stored, isForOneBroker);
    if (ignored.length > 0)
      this.#system.logger.error({ names: ignored }, 'stored broker configs that cannot be applied');
    return usable;
  }

  #merged(cluster: Properties, broker: Properties): Properties {
    return overlay(overlay(this.staticConfig.raw, cluster), broker);
  }

  #rebuild(): void {
    const before = this.#current;
    try {
      const { config } = parseBrokerConfig(
        this.#merged(this.#clusterOverrides, this.#brokerOverrides),
      );
      this.#current = withBrokerId(config, this.brokerId);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#system.logger.error({ err: error }, 'stored broker configs do not fit together');
      return;
    }
    const changed = changedNames(before, this.#current);
    if (changed.size > 0) this.onBrokerChange?.(this.#current, changed);
  }

  #decoded(name: string, text: string, secrets: readonly string[]): string | null {
    for (const secret of secrets) {
      try {
        return decodePassword(secret, text);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    }
    this.#system.logger.error({ name }, 'a stored password cannot be decoded and is ignored');
    return null;
  }

  #encoderOptions(): PasswordEncoderOptions {
    const config = this.staticConfig;
    const secret = textOf(config, 'password.encoder.secret');
    if (secret === null) throw new ConfigError('Password encoder secret not configured');
    return {
      secret,
      keyFactoryAlgorithm: textOf(config, 'password.encoder.keyfactory.algorithm'),
      cipherAlgorithm: textOf(config, 'password.encoder.cipher.algorithm') ?? '',
      keyLength: numberOf(config, 'password.encoder.key.length'),
      iterations: numberOf(config, 'password.encoder.iterations'),
    };
  }
}

/** A generated id stands in the settings as if it had been configured. */
const withBrokerId = (config: BrokerConfig, brokerId: number): BrokerConfig =>
  config.brokerId === brokerId ? config : { ...config, brokerId };

const changedNames = (before: BrokerConfig, after: BrokerConfig): Set<string> => {
  const names = new Set([...before.raw.keys(), ...after.raw.keys()]);
  for (const name of names) if (before.raw.get(name) === after.raw.get(name)) names.delete(name);
  return names;
};
