/** The settings of topics as the replica layer needs them; dynamic-config.ts reads and watches them in ZooKeeper. */
import type { LogConfig } from '../log/log-config.ts';

export interface TopicSettings {
  readonly log: LogConfig;
  readonly minInsyncReplicas: number;
  readonly uncleanLeaderElectionEnable: boolean;
}

export interface TopicSettingsSource {
  /** The topic's own settings over the broker's; rejects when ZooKeeper can't be asked. */
  of(topic: string): Promise<TopicSettings>;
  /** What was read last, under the broker's present settings; undefined when nothing was read. */
  known(topic: string): TopicSettings | undefined;
  /** The topic has left this broker. */
  forget(topic: string): void;
}
