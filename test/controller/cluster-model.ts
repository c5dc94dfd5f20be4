/**
 * The shell and ZooKeeper played by maps: carries out the core's commands at once, writes down what
 * was sent, and holds the events that a real shell would queue. No watches: a test says itself what
 * has happened.
 */
import type { Command, RequestedReassignment, TopicContent } from '../../controller/commands.ts';
import type { ControllerEvent, Reply } from '../../controller/events.ts';
import type { ControlRequest } from '../../controller/request-batch.ts';
import {
  type Broker,
  type ControllerSettings,
  type ControllerState,
  createState,
  type LeaderAndIsr,
  type Leadership,
} from '../../controller/state.ts';
import { step } from '../../controller/step.ts';
import { requestText } from './request-text.ts';

const apiNames = {
  leaderAndIsr: 'LeaderAndIsr',
  updateMetadata: 'UpdateMetadata',
  stopReplica: 'StopReplica',
} as const;

/** A request as text, without its receiver. */
export const textOf = (request: ControlRequest): string =>
  requestText(apiNames[request.api], request.body);

export class ClusterModel {
  readonly brokers = new Map<number, Broker>();
  readonly topics = new Map<string, TopicContent>();
  readonly states = new Map<string, Leadership>();
  readonly markers = new Set<string>();
  readonly unclean = new Map<string, boolean>();
  reassignments: readonly RequestedReassignment[] | null = null;
  preferred: readonly { topic: string; partition: number }[] | null = null;
  isrNotifications: { name: string; partitions: { topic: string; partition: number }[] }[] = [];
  logDirNotifications: { name: string; brokerId: number }[] = [];
  /** Everything sent since the last `take`. */
  sent: ControlRequest[] = [];
  /** State writes and other doings since the last `take`. */
  log: string[] = [];
  readonly queue: ControllerEvent[] = [];
  /** Called before a state write, to play a leader that is faster. */
  beforeWrite: ((key: string) => void) | null = null;
  state: ControllerState;
  #nextEpoch = 100n;
  #nextId = 0;
  readonly #brokerId: number;

  constructor(brokerId: number, settings?: ControllerSettings) {
    this.#brokerId = brokerId;
    this.state = createState({
      brokerId,
      interBrokerListener: 'INTERNAL',
      ...(settings === undefined ? {} : { settings }),
    });
  }

  register(id: number, port = 9000 + id): Broker {
    this.#nextEpoch += 1n;
    const endpoints = [{ listener: 'INTERNAL', host: `h${id}`, port, securityProtocol: 0 }];
    const broker = { id, epoch: this.#nextEpoch, endpoints, rack: null };
    this.brokers.set(id, broker);
    return broker;
  }

  /** Puts up a topic's znode. */
  putTopic(name: string, assignments: readonly (readonly number[])[], id?: string): void {
    this.#nextId += 1;
    const partitions: [
      number,
      { replicas: readonly number[]; addingReplicas: []; removingReplicas: [] },
    ][] = assignments.map((replicas, index) => [
      index,
      { replicas, addingReplicas: [], removingReplicas: [] },
    ]);
    const known = this.topics.get(name);
    this.topics.set(name, {
      name,
      id: id ?? known?.id ?? `id-${name}-${this.#nextId}`.padEnd(22, '_').slice(0, 22),
      partitions: new Map(partitions),
    });
  }

  /** A state znode, as an earlier controller or a leader left it. */
  putState(topic: string, partition: number, state: Partial<Leadership>): void {
    const replicas = this.topics.get(topic)?.partitions.get(partition)?.replicas ?? [];
    const key = `${topic}-${partition}`;
    this.states.set(key, {
      leader: replicas[0] ?? -1,
      leaderEpoch: 0,
      isr: replicas,
      leaderRecoveryState: 0,
      controllerEpoch: 1,
      partitionEpoch: 0,
      ...this.states.get(key),
      ...state,
    });
  }

  /** Runs one event and what it queues; returns its reply. */
  run(event: ControllerEvent): Reply | null {
    const reply = this.#runOne(event);
    for (;;) {
      const next = this.queue.shift();
      if (next === undefined) return reply;
      this.#runOne(next);
    }
  }

  /** The requests sent since the last call, as text by receiver. */
  takeByBroker(): Map<number, string[]> {
    const result = new Map<number, string[]>();
    for (const request of this.sent.splice(0)) {
      const lines = result.get(request.brokerId) ?? [];
      lines.push(textOf(request));
      result.set(request.brokerId, lines);
    }
    this.log = [];
    return result;
  }

  #runOne(event: ControllerEvent): Reply | null {
    let reply: Reply | null = null;
    const procedure = step(this.state, event);
    let result: unknown;
    for (;;) {
      const { done, value } = procedure.next(result);
      if (done) return reply;
      if (value.type === 'reply') reply = value.reply;
      result = this.#carryOut(value);
    }
  }

  #carryOut(command: Command): unknown {
    switch (command.type) {
      case 'writePartitionStates':
        return command.writes.map((write) => this.#write(write));
      case 'readPartitionStates':
        return command.partitions.map(
          ({ topic, partition }) => this.states.get(`${topic}-${partition}`) ?? null,
        );
      case 'readBrokers':
        return [...this.brokers.values()];
      case 'readTopicNames':
        return [...this.topics.keys()];
      case 'readTopics':
        return command.names.flatMap((name) => this.topics.get(name) ?? []);
      case 'writeTopic':
        this.log.push(`write topic ${topicText(command.topic)}`);
        this.topics.set(command.topic.name, command.topic);
        return undefined;
      case 'readPartitionNumbers':
        return [...(this.topics.get(command.topic)?.partitions.keys() ?? [])].filter((index) =>
          this.states.has(`${command.topic}-${index}`),
        );
      case 'deleteTopic':
        this.log.push(`delete topic ${command.name}`);
        this.#deleteTopic(command.name);
        return undefined;
      case 'readDeletionMarkers':
        return [...this.markers];
      case 'removeDeletionMarkers':
        this.log.push(`remove markers ${command.names.join(' ')}`);
        for (const name of command.names) this.markers.delete(name);
        return undefined;
      case 'readReassignments':
        return this.reassignments;
      case 'writeReassignments':
        this.reassignments = command.entries.length === 0 ? null : command.entries;
        this.log.push(`write reassignments ${JSON.stringify(this.reassignments)}`);
        if (this.reassignments === null) this.queue.push({ type: 'reassignmentsRequested' });
        return undefined;
      case 'readPreferredElection':
        return this.preferred;
      case 'deletePreferredElection':
        this.preferred = null;
        return undefined;
      case 'readIsrNotifications':
        return this.isrNotifications;
      case 'readLogDirNotifications':
        return this.logDirNotifications;
      case 'deleteNotifications':
        if (command.kind === 'isr') this.isrNotifications = [];
        else this.logDirNotifications = [];
        return undefined;
      case 'readUncleanSettings':
        return new Map(command.topics.map((name) => [name, this.unclean.get(name) ?? false]));
      case 'allocateProducerIds':
        return { firstId: 1000, count: 1000 };
      case 'removeRegistration':
        if (this.brokers.get(command.brokerId)?.epoch === command.epoch) {
          this.brokers.delete(command.brokerId);
        }
        return undefined;
      case 'send':
        this.sent.push(...command.requests);
        this.log.push(...sendText(command.requests));
        return undefined;
      case 'enqueue':
        this.queue.push(command.event);
        return undefined;
      case 'log':
        if (command.level !== 'info') this.log.push(`${command.level}: ${command.message}`);
        return undefined;
      case 'schedulePreferredCheck':
      case 'openChannels':
      case 'closeChannels':
      case 'watchBrokers':
      case 'watchCluster':
      case 'unwatchTopics':
      case 'prepareFeature':
      case 'reply':
        return undefined;
    }
  }

  #write(write: {
    topic: string;
    partition: number;
    leaderAndIsr: LeaderAndIsr;
    expectedVersion: number | null;
  }): object {
    const key = `${write.topic}-${write.partition}`;
    this.beforeWrite?.(key);
    const known = this.states.get(key);
    if (write.expectedVersion === null) {
      if (known !== undefined) return { type: 'failed', reason: 'NODE_EXISTS' };
    } else {
      if (known === undefined) return { type: 'noNode' };
      if (known.partitionEpoch !== write.expectedVersion) return { type: 'badVersion' };
    }
    const version = (write.expectedVersion ?? -1) + 1;
    this.states.set(key, { ...write.leaderAndIsr, partitionEpoch: version });
    const { leader, leaderEpoch, isr } = write.leaderAndIsr;
    this.log.push(`write ${key} leader ${leader} epoch ${leaderEpoch} isr ${isr.join(',')}`);
    return { type: 'ok', version };
  }

  #deleteTopic(name: string): void {
    for (const index of this.topics.get(name)?.partitions.keys() ?? []) {
      this.states.delete(`${name}-${index}`);
    }
    this.topics.delete(name);
    this.markers.delete(name);
  }

  get brokerId(): number {
    return this.#brokerId;
  }
}

const topicText = ({ name, partitions }: TopicContent): string =>
  [...partitions]
    .map(([index, { replicas, addingReplicas, removingReplicas }]) => {
      const lists = [
        `${name}-${index} replicas ${replicas.join(',')}`,
        ...(addingReplicas.length > 0 ? [`adding ${addingReplicas.join(',')}`] : []),
        ...(removingReplicas.length > 0 ? [`removing ${removingReplicas.join(',')}`] : []),
      ];
      return lists.join(' ');
    })
    .join('; ');

/** One line for all receivers of the same text. */
const sendText = (requests: readonly ControlRequest[]): string[] => {
  const receivers = new Map<string, number[]>();
  for (const request of requests) {
    const text = textOf(request);
    receivers.set(text, [...(receivers.get(text) ?? []), request.brokerId]);
  }
  return [...receivers].map(([text, ids]) => `to ${ids.sort((a, b) => a - b).join(',')}: ${text}`);
};
