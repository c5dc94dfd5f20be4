/**
 * What handlers may use, put together by broker.ts. Each field has one owner and is documented where it is defined.
 */
import type { Serial } from '../system/serial.ts';
import type { System } from '../system/system.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import type { BrokerConfig } from './config.ts';
import type { ControllerApi } from './controller-api.ts';
import type { DynamicConfig } from './dynamic-config.ts';
import type { FetchSessions } from './fetch-sessions.ts';
import type { AgreedFeatures } from './finalized-features.ts';
import type { GroupCoordinator } from './groups/coordinator.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { ProducerIds } from './producer-ids.ts';
import type { ReplicaManager } from './replication/replica-manager.ts';
import type { RoleChanges } from './replication/role-changes.ts';
import type { TopicConfigSource } from './topic-config-source.ts';
import type { TopicCreation } from './topic-creation.ts';
import type { TopicWaits } from './topic-waits.ts';

export interface Services {
  readonly system: System;
  /** The settings in force. */
  readonly config: BrokerConfig;
  readonly brokerId: number;
  readonly clusterId: string;
  /** The czxid of this broker's registration; changes with the ZooKeeper session. */
  brokerEpoch(): bigint;
  readonly zookeeper: ZooKeeperClient;
  readonly metadata: MetadataCache;
  readonly replicas: ReplicaManager;
  /** Carries out what the controller decides. */
  readonly roles: RoleChanges;
  readonly fetchSessions: FetchSessions;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  /** The controller of this process, active or not. */
  readonly controller: ControllerApi;
  /** Auto-creation of topics, internal ones included. */
  readonly topics: TopicCreation;
  /** Requests that wait until the metadata cache shows what they asked for. */
  readonly topicWaits: TopicWaits;
  /** The broker's settings in force, and the news of all that change. */
  readonly dynamicConfig: DynamicConfig;
  readonly topicConfigs: TopicConfigSource;
  /** Stored settings are read, changed and written whole: by one request of this broker at a time. */
  readonly configWrites: Serial;
  /** What the cluster has agreed on. */
  readonly features: AgreedFeatures;
}
