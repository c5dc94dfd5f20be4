/**
 * The controller's shell: takes part in elections, queues events, lets the core work on them one at
 * a time and carries its commands out. Where the epoch check of a write fails the event is over and
 * the broker resigns; any other failure gives the office up, too, for the next controller reads
 * everything anew.
 */
import type { apis, RequestOf, ResponseOf } from '../protocol/apis.ts';
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { controllerZnode } from '../zookeeper/znodes.ts';
import { type ChannelFactory, Channels } from './channels.ts';
import type { Command } from './commands.ts';
import { isOurs, readHolder, runForOffice } from './election.ts';
import { EventQueue } from './event-queue.ts';
import type { ControllerEvent, Reply, ReplyBody, RequestEvent, RequestType } from './events.ts';
import { execute } from './executors.ts';
import { ControllerMoved, deleteFenced, type Office } from './office.ts';
import { isRequest, refuse } from './refusals.ts';
import { type ControllerSettings, type ControllerState, createState } from './state.ts';
import { step } from './step.ts';
import {
  createTopicAdmin,
  type PartitionsToAdd,
  type TopicAdmin,
  type TopicAdminOptions,
  type TopicResult,
  type TopicToCreate,
} from './topic-admin.ts';
import { Watches } from './watches.ts';

/** Read whenever it is needed, so that it may be a view of settings that change at run time. */
export interface ControllerConfig extends ControllerSettings {
  readonly interBrokerListener: string;
  /** unclean.leader.election.enable */
  readonly uncleanLeaderElectionEnable: boolean;
  /** leader.imbalance.check.interval.seconds */
  readonly leaderImbalanceCheckIntervalSeconds: number;
  /** num.partitions */
  readonly numPartitions: number;
  /** default.replication.factor */
  readonly defaultReplicationFactor: number;
  /** Whether a broker whose host refuses connections counts as failed at once; default true. */
  readonly detectsEndedBrokers?: boolean;
}

export interface ControllerOptions {
  readonly brokerId: number;
  readonly config: ControllerConfig;
  readonly zookeeper: ZooKeeperClient;
  readonly channels: ChannelFactory;
  /**
   * Registers the broker anew; called after a session has been replaced and before the next
   * election.
   */
  readonly register?: () => Promise<void>;
  readonly validateTopicConfig?: TopicAdminOptions['validateTopicConfig'];
}

export const createController = (system: System, options: ControllerOptions): Controller =>
  new Controller(system, options);

type ActiveOffice = Office & { isOver: boolean; readonly state: ControllerState };

const AFTER_FAILOVER_MS = 5000;
/** Before another try when ZooKeeper fails us outside of any event. */
const RETRY_PAUSE_MS = 100;

export class Controller {
  readonly #system: System;
  readonly #options: ControllerOptions;
  readonly #queue = new EventQueue();
  readonly #topics: TopicAdmin;
  readonly #endings: (() => void)[] = [];
  /** Ours, while we hold one. */
  #office: ActiveOffice | null = null;
  #preferredCheck: Timer | null = null;
  #isStopped = false;

  constructor(system: System, options: ControllerOptions) {
    this.#system = system;
    this.#options = options;
    this.#topics = createTopicAdmin(system, options);
  }

  get isActive(): boolean {
    return this.#office !== null;
  }

  /** The epoch of our term, 0 while another broker is the controller. */
  get epoch(): number {
    return this.#office?.state.epoch ?? 0;
  }

  /** Takes part in elections from now on; resolves after the first one. */
  async start(): Promise<void> {
    const { zookeeper } = this.#options;
    this.#endings.push(
      zookeeper.watchNode(controllerZnode.path, () => this.#reconsider()),
      zookeeper.onSession({
        expired: () => this.#resign('the ZooKeeper session has expired'),
        established: () => this.#reconsider({ registers: true }),
      }),
    );
    this.#reconsider();
    await this.#queue.idle();
  }

  /**
   * Leaves office and takes part no more; /controller goes with the session. A job that waits for
   * ZooKeeper is not waited for: it does nothing more once it gets its answer.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#endings.splice(0)) end();
    this.#resign('the broker stops');
    this.#queue.clear();
  }

  /** Resolves when all events at hand have been dealt with. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /**
   * unclean.leader.election.enable was switched on for a topic, or (null) by the broker's own
   * settings.
   */
  uncleanElectionEnabled(topic: string | null): void {
    if (this.#office !== null)
      this.#enqueue(this.#office, { type: 'uncleanElectionEnabled', topic });
  }

  alterPartition(
    request: RequestOf<typeof apis.alterPartition>,
    version: number,
  ): Promise<ResponseOf<typeof apis.alterPartition>> {
    return this.#request<'alterPartition'>({ type: 'alterPartition', request, version });
  }

  controlledShutdown(
    request: RequestOf<typeof apis.controlledShutdown>,
    version: number,
  ): Promise<ResponseOf<typeof apis.controlledShutdown>> {
    return this.#request<'controlledShutdown'>({ type: 'controlledShutdown', request, version });
  }

  electLeaders(
    request: RequestOf<typeof apis.electLeaders>,
    version: number,
  ): Promise<ResponseOf<typeof apis.electLeaders>> {
    return this.#request<'electLeaders'>({ type: 'electLeaders', request, version });
  }

  allocateProducerIds(
    request: RequestOf<typeof apis.allocateProducerIds>,
    version: number,
  ): Promise<ResponseOf<typeof apis.allocateProducerIds>> {
    return this.#request<'allocateProducerIds'>({ type: 'allocateProducerIds', request, version });
  }

  alterPartitionReassignments(
    request: RequestOf<typeof apis.alterPartitionReassignments>,
    version: number,
  ): Promise<ResponseOf<typeof apis.alterPartitionReassignments>> {
    const type = 'alterPartitionReassignments';
    return this.#request<typeof type>({ type, request, version });
  }

  listPartitionReassignments(
    request: RequestOf<typeof apis.listPartitionReassignments>,
    version: number,
  ): Promise<ResponseOf<typeof apis.listPartitionReassignments>> {
    const type = 'listPartitionReassignments';
    return this.#request<typeof type>({ type, request, version });
  }

  updateFeatures(
    request: RequestOf<typeof apis.updateFeatures>,
    version: number,
  ): Promise<ResponseOf<typeof apis.updateFeatures>> {
    return this.#request<'updateFeatures'>({ type: 'updateFeatures', request, version });
  }

  /** CreateTopics; only the active controller takes it. */
  async createTopics(
    topics: readonly TopicToCreate[],
    options: { readonly validateOnly: boolean },
  ): Promise<readonly TopicResult[]> {
    return this.isActive
      ? this.#topics.createTopics(topics, options)
      : this.#topics.notController(topics);
  }

  /** The same on whichever broker, as automatic creation does it. */
  createTopicsLocally(topics: readonly TopicToCreate[]): Promise<readonly TopicResult[]> {
    return this.#topics.createTopics(topics, { validateOnly: false });
  }

  async createPartitions(
    topics: readonly PartitionsToAdd[],
    options: { readonly validateOnly: boolean },
  ): Promise<readonly TopicResult[]> {
    return this.isActive
      ? this.#topics.createPartitions(topics, options)
      : this.#topics.notController(topics);
  }

  async deleteTopics(names: readonly string[]): Promise<readonly TopicResult[]> {
    return this.isActive
      ? this.#topics.deleteTopics(names)
      : this.#topics.notController(names.map((name) => ({ name })));
  }

  #request<K extends RequestType>(
    event: Extract<RequestEvent, { readonly type: K }>,
  ): Promise<ReplyBody<K>> {
    return new Promise((resolve) => {
      // The core answers each request by its own type; see the two unions in events.ts.
      const reply = (body: Reply): void => resolve(body as ReplyBody<K>);
      const office = this.#office;
      if (office === null) reply(refuse(event));
      else this.#enqueue(office, event, reply);
    });
  }

  #enqueue(office: ActiveOffice, event: ControllerEvent, reply: (reply: Reply) => void = () => {}) {
    const drop = (): void => {
      if (isRequest(event)) reply(refuse(event));
    };
    if (office.isOver) return drop();
    this.#queue.add({
      key: mergeKey(office, event),
      drop,
      run: async () => {
        if (office.isOver) return drop();
        await this.#handle(office, event, reply);
        // Harmless where the event has been answered.
        drop();
      },
    });
  }

  async #handle(
    office: ActiveOffice,
    event: ControllerEvent,
    reply: (reply: Reply) => void,
  ): Promise<void> {
    try {
      const procedure = step(office.state, event);
      let result: unknown;
      for (;;) {
        const { done, value } = procedure.next(result);
        if (done) return;
        const command: Command = value;
        if (command.type === 'reply') reply(command.reply);
        const outcome = command.type === 'reply' ? undefined : execute(office, command);
        result = outcome instanceof Promise ? await outcome : outcome;
        if (office.isOver) return;
      }
    } catch (error) {
      if (office.isOver) return;
      if (!(error instanceof ControllerMoved)) return this.#abdicate(office, event, error);
      this.#resign('another broker has been elected');
      this.#reconsider();
    }
  }

  /** Looks who is the controller, and runs for office where there is none. */
  #reconsider(options: { readonly registers?: boolean } = {}): void {
    if (this.#isStopped) return;
    this.#queue.add({
      key: options.registers ? null : 'reconsider',
      drop: () => {},
      run: async () => {
        if (this.#isStopped) return;
        try {
          if (options.registers) await this.#options.register?.();
          await this.#checkOffice();
        } catch (error) {
          // After an expiry the next session makes us try again; anything else is tried again here.
          this.#system.logger.warn({ error: String(error) }, 'could not take part in the election');
          await this.#system.clock.sleep(RETRY_PAUSE_MS);
          this.#reconsider(options);
        }
      },
    });
  }

  async #checkOffice(): Promise<void> {
    const { brokerId, zookeeper } = this.#options;
    let holder = await readHolder(zookeeper);
    if (holder !== brokerId) this.#resign('another broker is the controller');
    if (holder === brokerId && this.#office === null && (await isOurs(zookeeper))) {
      // Left behind by an election or an abdication that failed half way: nobody works for it.
      await zookeeper.delete(controllerZnode.path);
      holder = null;
    }
    while (holder === null && !this.#isStopped) {
      const outcome = await runForOffice(zookeeper, brokerId, this.#system.clock.nowMs());
      if (outcome.type === 'won') return this.#takeOffice(outcome);
      holder = outcome.holder;
    }
  }

  async #takeOffice(won: { readonly epoch: number; readonly epochVersion: number }): Promise<void> {
    if (this.#isStopped) return;
    const { brokerId, config, zookeeper } = this.#options;
    const { interBrokerListener } = config;
    const enqueue = (event: ControllerEvent): void => this.#enqueue(office, event);
    const office: ActiveOffice = {
      system: this.#system,
      zookeeper,
      brokerId,
      epochVersion: won.epochVersion,
      isOver: false,
      state: createState({ brokerId, interBrokerListener, settings: config }),
      watches: new Watches(zookeeper, enqueue),
      channels: new Channels(this.#system, {
        open: this.#options.channels,
        interBrokerListener,
        reportsGone: config.detectsEndedBrokers ?? true,
        enqueue,
      }),
      enqueue,
      schedulePreferredCheck: (delay) => this.#schedulePreferredCheck(office, delay),
      uncleanLeaderElectionEnable: () => config.uncleanLeaderElectionEnable,
    };
    this.#office = office;
    await this.#handle(office, { type: 'elected', epoch: won.epoch }, () => {});
  }

  #schedulePreferredCheck(office: ActiveOffice, delay: 'afterFailover' | 'interval'): void {
    const { leaderImbalanceCheckIntervalSeconds: seconds } = this.#options.config;
    const delayMs = delay === 'afterFailover' ? AFTER_FAILOVER_MS : seconds * 1000;
    this.#preferredCheck?.cancel();
    this.#preferredCheck = this.#system.clock.setTimer(delayMs, () =>
      this.#enqueue(office, { type: 'preferredCheck' }),
    );
  }

  /** Ends our term, if we have one; nothing is written. Requests that wait are refused. */
  #resign(reason: string): void {
    const office = this.#office;
    if (office === null) return;
    this.#system.logger.info({ epoch: office.state.epoch, reason }, 'the controller resigns');
    this.#office = null;
    office.isOver = true;
    this.#preferredCheck?.cancel();
    this.#preferredCheck = null;
    office.watches.endAll();
    office.channels.closeAll();
  }

  /** Gives the office up after a failure, so that somebody takes it who knows nothing yet. */
  async #abdicate(office: ActiveOffice, event: ControllerEvent, error: unknown): Promise<void> {
    const fields = { event: event.type, error: error instanceof Error ? error.stack : error };
    this.#system.logger.error(fields, 'a controller event failed');
    this.#resign('an event failed');
    try {
      await deleteFenced(office, controllerZnode.path);
    } catch (cause) {
      // Somebody else was elected, or our session is over and the znode goes with it.
      this.#system.logger.warn({ error: String(cause) }, 'could not remove /controller');
    }
    await this.#system.clock.sleep(RETRY_PAUSE_MS);
  }
}

/**
 * Events that say no more than "look again" need to wait only once a term: what waits for an earlier term comes to nothing.
 */
const mergeKey = (office: ActiveOffice, event: ControllerEvent): string | null => {
  const name = repeatedName(event);
  return name && `${office.epochVersion} ${name}`;
};

const repeatedName = (event: ControllerEvent): string | null => {
  switch (event.type) {
    case 'brokerChange':
    case 'topicChange':
    case 'topicDeletion':
    case 'reassignmentsRequested':
    case 'preferredElectionRequested':
    case 'isrNotifications':
    case 'logDirNotifications':
      return event.type;
    case 'topicModified':
      return `${event.type} ${event.topic}`;
    case 'brokerModified':
      return `${event.type} ${event.brokerId}`;
    default:
      return null;
  }
};
