/**
 * Brokers reduced to their replica layer, with real logs in temp directories and a clock that a test moves. Requests go
 * through their codecs and the real handlers, but over no network: a test may hold back or lose any answer. There is no
 * controller; tests say who leads, and answer proposals of ISRs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FetchSessions } from '../../../broker/fetch-sessions.ts';
import { fetchHandler } from '../../../broker/handlers/fetch.ts';
import type { Handler } from '../../../broker/handlers/handler.ts';
import { leaderAndIsrHandler } from '../../../broker/handlers/leader-and-isr.ts';
import { listOffsetsHandler } from '../../../broker/handlers/list-offsets.ts';
import { stopReplicaHandler } from '../../../broker/handlers/stop-replica.ts';
import { updateMetadataHandler } from '../../../broker/handlers/update-metadata.ts';
import { MetadataCache } from '../../../broker/metadata-cache.ts';
import type { BrokerChannel } from '../../../broker/replication/broker-channel.ts';
import { Fetchers } from '../../../broker/replication/fetchers.ts';
import type { IsrUpdates } from '../../../broker/replication/isr-updates.ts';
import { ReplicaManager } from '../../../broker/replication/replica-manager.ts';
import { RoleChanges } from '../../../broker/replication/role-changes.ts';
import type { Services } from '../../../broker/services.ts';
import { defaultLogConfig, type LogConfig } from '../../../log/log-config.ts';
import { LogManager } from '../../../log/log-manager.ts';
import { ChannelClosed } from '../../../network/errors.ts';
import type { Api } from '../../../protocol/apis.ts';
import { type Disk, realDisk } from '../../../system/disk.ts';
import type { System } from '../../../system/system.ts';
import { DiskActivity } from '../../support/disk-activity.ts';
import { ManualClock, manualSystem } from '../../support/manual-clock.ts';
import { absent, call, fakeServices } from '../fake-services.ts';
import { type Proposed, TestBroker, TOPIC } from './test-broker.ts';

export { batchOf, TOPIC } from './test-broker.ts';

export const TOPIC_ID = 'bWFya2VyLW9mLXRvcGljMQ';

export interface ClusterOptions {
  readonly brokerCount?: number;
  readonly topicId?: string;
  /** What the clock says at first. */
  readonly startMs?: number;
  readonly log?: Partial<LogConfig>;
  readonly minInsyncReplicas?: number;
  readonly lagMsMax?: number;
  /** The disk of a broker, to make it fail. */
  readonly disk?: (brokerId: number, disk: Disk) => Disk;
  readonly logDirCount?: number;
  /** Brokers that are registered but not there. */
  readonly phantoms?: readonly number[];
}

/** Who leads a partition, in which epoch. */
export interface Leadership {
  readonly leader: number;
  readonly epoch: number;
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly partition?: number;
  readonly partitionEpoch?: number;
  readonly topicId?: string;
  readonly isNew?: boolean;
}

/** What a test wants done with an answer on its way; what it throws is what the asker gets. */
export type OnAnswer = (
  from: number,
  to: number,
  api: Api,
  answer: Record<string, unknown>,
) => Promise<void> | void;

const made: string[] = [];

export const removeDirectories = (): void => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
};

const handlers: readonly Handler[] = [fetchHandler, listOffsetsHandler];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class ReplicaCluster {
  readonly clock: ManualClock;
  readonly brokers = new Map<number, TestBroker>();
  readonly directories = new Map<number, readonly string[]>();
  onAnswer: OnAnswer = () => {};
  /** Requests of one broker to another: api and who asked whom. */
  readonly asked: { from: number; to: number; api: Api; body: Record<string, unknown> }[] = [];
  readonly #options: ClusterOptions;
  readonly #activity = new DiskActivity();
  #controllerEpoch = 1;

  static async start(options: ClusterOptions = {}): Promise<ReplicaCluster> {
    const cluster = new ReplicaCluster(options);
    for (let id = 1; id <= (options.brokerCount ?? 2); id++) await cluster.startBroker(id);
    return cluster;
  }

  constructor(options: ClusterOptions) {
    this.clock = new ManualClock(options.startMs);
    this.#options = options;
  }

  broker(id: number): TestBroker {
    const broker = this.brokers.get(id);
    if (broker === undefined) throw new Error(`broker ${id} is not there`);
    return broker;
  }

  /** Starts a broker over what its directories hold. */
  async startBroker(id: number): Promise<TestBroker> {
    const { lagMsMax = 30_000, minInsyncReplicas = 1, logDirCount = 1 } = this.#options;
    let logDirs = this.directories.get(id);
    if (logDirs === undefined) {
      logDirs = Array.from({ length: logDirCount }, () =>
        mkdtempSync(join(tmpdir(), 'barnabas-replicas-')),
      );
      made.push(...logDirs);
      this.directories.set(id, logDirs);
    }
    const config = { ...defaultLogConfig, segmentIndexBytes: 4096, ...this.#options.log };
    const disk = this.#activity.counted(this.#options.disk?.(id, realDisk) ?? realDisk);
    const system: System = { ...manualSystem(this.clock), disk };
    const logs = await LogManager.open(system, { logDirs, brokerId: id, defaultConfig: config });
    const metadata = new MetadataCache();
    const proposals: Proposed[] = [];
    const isrUpdates = absent<IsrUpdates>('isrUpdates', {
      submit: (replica, proposal) => void proposals.push({ replica, proposal }),
    });
    const known = () => ({ log: config, minInsyncReplicas, uncleanLeaderElectionEnable: false });
    const settings = { of: async () => known(), known, forget: () => {} };
    const replicas = new ReplicaManager(
      system,
      { logs, metadata, settings, isrUpdates },
      { brokerId: id, lagMsMax, checkpointIntervalMs: 5000 },
    );
    replicas.start();
    const fetchers = new Fetchers(system, ({ id: to }) => this.#channel(id, to), {
      replicaId: id,
      replicaEpoch: () => BigInt(id),
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 10_485_760,
      partitionMaxBytes: 1_048_576,
      backoffMs: 1000,
      requestTimeoutMs: 30_000,
      fetcherCount: 1,
    });
    const roles = new RoleChanges(replicas, fetchers, {
      interBrokerListener: 'INTERNAL',
      listener: { elected: () => {}, resigned: () => {} },
    });
    const services = fakeServices({
      system,
      brokerId: id,
      brokerEpoch: () => BigInt(id),
      metadata,
      replicas,
      roles,
      groups: absent<Services['groups']>('groups', { onPartitionsDeleted: () => {} }),
      fetchSessions: new FetchSessions(system.random, 100),
      config: { fetchMaxBytes: 57_671_680 },
    });
    const broker = new TestBroker(id, { replicas, fetchers, services, proposals });
    this.brokers.set(id, broker);
    return broker;
  }

  /** The broker is gone for others; its files stay as they are. */
  async kill(id: number): Promise<void> {
    const broker = this.broker(id);
    broker.isUp = false;
    await broker.fetchers.stop();
    await broker.replicas.stop();
    for (const log of broker.replicas.logs.all()) await log.settled();
    await broker.replicas.logs.close();
    this.brokers.delete(id);
  }

  async stop(): Promise<void> {
    for (const id of [...this.brokers.keys()]) await this.kill(id);
    removeDirectories();
  }

  /** Tells `receivers` (all, unless named) of brokers and leaders, then who leads; resolves to their answers' codes. */
  async decide(
    leadership: Leadership | readonly Leadership[],
    receivers: readonly number[] = [...this.brokers.keys()],
  ): Promise<number[]> {
    const decisions = Array.isArray(leadership) ? leadership : [leadership as Leadership];
    const codes: number[] = [];
    for (const id of receivers) await this.updateMetadata(decisions, id);
    for (const id of receivers) codes.push(...(await this.leaderAndIsr(decisions, id)));
    return codes;
  }

  async updateMetadata(decisions: readonly Leadership[], receiver: number): Promise<void> {
    const endpoints = (id: number) =>
      ['CLIENT', 'INTERNAL'].map((listener, index) => ({
        listener,
        host: 'host',
        port: 9000 + 100 * index + id,
        securityProtocol: 0,
      }));
    await call(updateMetadataHandler, this.broker(receiver).services, 8, {
      controllerId: 9,
      controllerEpoch: this.#controllerEpoch,
      brokerEpoch: -1n,
      topicStates: decisions.map((decision) => ({
        topicName: TOPIC,
        topicId: this.#topicId(decision),
        partitionStates: [this.#state(decision)],
      })),
      liveBrokers: [...this.brokers.keys(), ...(this.#options.phantoms ?? [])].map((id) => ({
        id,
        endpoints: endpoints(id),
      })),
    });
  }

  async leaderAndIsr(decisions: readonly Leadership[], receiver: number): Promise<number[]> {
    const answer = await call(leaderAndIsrHandler, this.broker(receiver).services, 7, {
      controllerId: 9,
      controllerEpoch: this.#controllerEpoch,
      brokerEpoch: -1n,
      topicStates: decisions.map((decision) => ({
        topicName: TOPIC,
        topicId: this.#topicId(decision),
        partitionStates: [this.#state(decision)],
      })),
      liveLeaders: [],
    });
    const topics = answer.topics as { partitionErrors: { errorCode: number }[] }[];
    return topics.flatMap(({ partitionErrors }) => partitionErrors.map((one) => one.errorCode));
  }

  async stopReplica(
    receiver: number,
    options: { leaderEpoch: number; deletes: boolean; partition?: number },
  ): Promise<number> {
    const answer = await call(stopReplicaHandler, this.broker(receiver).services, 4, {
      controllerId: 9,
      controllerEpoch: this.#controllerEpoch,
      brokerEpoch: -1n,
      topicStates: [
        {
          topicName: TOPIC,
          partitionStates: [
            {
              partitionIndex: options.partition ?? 0,
              leaderEpoch: options.leaderEpoch,
              deletePartition: options.deletes,
            },
          ],
        },
      ],
    });
    return (answer.partitionErrors as { errorCode: number }[])[0]?.errorCode ?? -1;
  }

  /** Moves time on in the steps of followers' long polls until `condition` holds. */
  async pass(condition: () => boolean, what?: string): Promise<void> {
    await this.settle();
    for (let step = 0; step < 40 && !condition(); step++) {
      await this.clock.advance(250);
      await this.settle();
    }
    if (!condition()) throw new Error(`${what ?? 'it'} did not happen`);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 10; quiet++) {
      await turn();
      if (this.#activity.count > 0) quiet = 0;
    }
  }

  /** All brokers' replicas end where the leader's log ends, and so do their high watermarks. */
  async converge(partition = 0): Promise<void> {
    await this.pass(() => {
      const replicas = [...this.brokers.values()].map((broker) => broker.replica(partition));
      const leader = replicas.find(({ state }) => state.isLeader);
      const end = leader?.log.logEndOffset;
      return replicas.every(
        ({ log, state }) => log.logEndOffset === end && state.highWatermark === end,
      );
    }, 'convergence');
  }

  #topicId(decision: Leadership): string {
    return decision.topicId ?? this.#options.topicId ?? TOPIC_ID;
  }

  #state({ leader, epoch, partition = 0, isNew = true, ...rest }: Leadership) {
    const replicas = rest.replicas ?? [1, 2, 3].slice(0, this.#options.brokerCount ?? 2);
    return {
      partitionIndex: partition,
      controllerEpoch: this.#controllerEpoch,
      leader,
      leaderEpoch: epoch,
      isr: [...(rest.isr ?? replicas)],
      zkVersion: rest.partitionEpoch ?? epoch,
      partitionEpoch: rest.partitionEpoch ?? epoch,
      replicas: [...replicas],
      addingReplicas: [],
      removingReplicas: [],
      offlineReplicas: [],
      isNew,
    };
  }

  #channel(from: number, to: number): BrokerChannel {
    let isClosed = false;
    let interrupt: (() => void) | null = null;
    const closed = () => new ChannelClosed(`no connection to broker ${to}`);
    const answer = async (api: Api, body: object, version: number) => {
      const broker = this.brokers.get(to);
      if (isClosed || broker === undefined || !broker.isUp) throw closed();
      const handler = handlers.find((one) => one.api.key === api.key);
      if (handler === undefined) throw new Error(`nobody answers ${api.name}`);
      this.asked.push({ from, to, api, body: body as never });
      const response = await call(handler, broker.services, version, body, 'INTERNAL');
      await this.onAnswer(from, to, api, response);
      if (isClosed || !broker.isUp) throw closed();
      return response;
    };
    return {
      send: (api, body, options) =>
        new Promise((resolve, reject) => {
          interrupt = () => reject(closed());
          answer(api, body, options?.version ?? api.maxVersion).then(resolve as never, reject);
        }),
      interrupt: () => interrupt?.(),
      close: () => {
        isClosed = true;
        interrupt?.();
      },
    };
  }
}
