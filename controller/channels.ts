/**
 * The controller's way to the brokers (Kafka's ControllerChannelManager): one connection per
 * broker, itself included, one request in flight on it, strictly in order, tried again until it is
 * answered or the broker is gone. Answers become events.
 *
 * Beyond Kafka: a broker that was connected, whose connection breaks and whose host then refuses
 * another one, is a process that has ended; that is reported at once instead of waiting for its
 * ZooKeeper session to expire.
 */
import type { System } from '../system/system.ts';
import type { ControllerEvent } from './events.ts';
import type { ControlRequest } from './request-batch.ts';
import type { Broker } from './state.ts';

/** What is read of LeaderAndIsr, StopReplica and UpdateMetadata responses. */
export interface ControlAnswer {
  readonly errorCode: number;
  readonly topics?: readonly {
    readonly topicId: string;
    readonly partitionErrors: readonly {
      readonly partitionIndex: number;
      readonly errorCode: number;
    }[];
  }[];
  readonly partitionErrors?: readonly {
    readonly topicName: string;
    readonly partitionIndex: number;
    readonly errorCode: number;
  }[];
}

export interface ControlChannel {
  send(request: ControlRequest): Promise<ControlAnswer>;
  /** Calls back once when the connection has ended. */
  onClose(callback: () => void): void;
  close(): void;
}

/** Connects to a broker; an error with `isRefused` true says that nobody listens there. */
export type ChannelFactory = (address: {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: number;
}) => Promise<ControlChannel>;

export interface ChannelsOptions {
  readonly open: ChannelFactory;
  readonly interBrokerListener: string;
  /** Whether refused connections count as a broker's end. */
  readonly reportsGone: boolean;
  readonly enqueue: (event: ControllerEvent) => void;
}

const RETRY_PAUSE_MS = 100;
/** After the first failures in a row, for a broker's end should be noticed soon. */
const FIRST_PAUSE_MS = 20;
/** Refusals in a row that it takes to believe in a broker's end. */
const REFUSALS = 2;

/** The channels of one term of office. */
export class Channels {
  readonly #system: System;
  readonly #options: ChannelsOptions;
  readonly #senders = new Map<number, Sender>();

  constructor(system: System, options: ChannelsOptions) {
    this.#system = system;
    this.#options = options;
  }

  open(broker: Broker): void {
    this.close(broker.id);
    this.#senders.set(broker.id, new Sender(this.#system, this.#options, broker));
  }

  close(brokerId: number): void {
    this.#senders.get(brokerId)?.close();
    this.#senders.delete(brokerId);
  }

  closeAll(): void {
    for (const id of [...this.#senders.keys()]) this.close(id);
  }

  send(request: ControlRequest): void {
    this.#senders.get(request.brokerId)?.push(request);
  }
}

class Sender {
  readonly #system: System;
  readonly #options: ChannelsOptions;
  readonly #broker: Broker;
  readonly #queue: ControlRequest[] = [];
  #channel: ControlChannel | null = null;
  #wasConnected = false;
  /** A connection has broken and it is not known yet whether the broker still lives. */
  #isInDoubt = false;
  #refusalCount = 0;
  /** Since the last answer. */
  #failureCount = 0;
  #isRunning = false;
  #isClosed = false;

  constructor(system: System, options: ChannelsOptions, broker: Broker) {
    this.#system = system;
    this.#options = options;
    this.#broker = broker;
  }

  push(request: ControlRequest): void {
    this.#queue.push(request);
    void this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#drop();
  }

  /** Works until there is neither a request nor a doubt left. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (!this.#isClosed && (this.#queue.length > 0 || this.#isInDoubt)) {
      try {
        await this.#sendNext();
      } catch (error) {
        if (this.#isClosed) break;
        await this.#failed(error as Error & { isRefused?: boolean });
      }
    }
    this.#isRunning = false;
  }

  async #sendNext(): Promise<void> {
    const channel = this.#channel ?? (await this.#connect());
    const [request] = this.#queue;
    if (channel === null || request === undefined) return;
    const answer = await channel.send(request);
    // What was answered after our end is of no interest to whoever comes after us.
    if (this.#isClosed) return;
    this.#queue.shift();
    this.#failureCount = 0;
    this.#answered(request, answer);
  }

  async #connect(): Promise<ControlChannel | null> {
    const { id, endpoints } = this.#broker;
    const endpoint = endpoints.find(
      ({ listener }) => listener === this.#options.interBrokerListener,
    );
    if (endpoint === undefined) throw new Error(`broker ${id} lacks the inter-broker listener`);
    const { host, port, securityProtocol } = endpoint;
    const channel = await this.#options.open({ brokerId: id, host, port, securityProtocol });
    if (this.#isClosed) {
      channel.close();
      return null;
    }
    this.#channel = channel;
    this.#wasConnected = true;
    this.#isInDoubt = false;
    this.#refusalCount = 0;
    channel.onClose(() => {
      if (this.#channel !== channel) return;
      this.#channel = null;
      this.#isInDoubt = true;
      void this.#run();
    });
    return channel;
  }

  async #failed(error: Error & { isRefused?: boolean }): Promise<void> {
    const { logger, clock } = this.#system;
    this.#drop();
    this.#isInDoubt = this.#wasConnected;
    this.#failureCount += 1;
    const isRefused = error.isRefused === true && this.#wasConnected;
    this.#refusalCount = isRefused ? this.#refusalCount + 1 : 0;
    if (this.#refusalCount === REFUSALS && this.#options.reportsGone) {
      const { id: brokerId, epoch } = this.#broker;
      this.#options.enqueue({ type: 'brokerGone', brokerId, epoch });
    } else if (!isRefused) {
      logger.debug({ broker: this.#broker.id, error: error.message }, 'control channel failed');
    }
    await clock.sleep(this.#failureCount <= REFUSALS ? FIRST_PAUSE_MS : RETRY_PAUSE_MS);
  }

  #drop(): void {
    const channel = this.#channel;
    this.#channel = null;
    channel?.close();
  }

  #answered(request: ControlRequest, answer: ControlAnswer): void {
    const { id: brokerId } = this.#broker;
    if (answer.errorCode !== 0) {
      const fields = { broker: brokerId, api: request.api, errorCode: answer.errorCode };
      this.#system.logger.warn(fields, 'a control request was refused');
    }
    const event = eventOf(request, answer);
    if (event !== null) this.#options.enqueue(event);
  }
}

/** What the core needs to hear of an answer; null where it is of no consequence. */
const eventOf = (request: ControlRequest, answer: ControlAnswer): ControllerEvent | null => {
  const { brokerId } = request;
  if (request.api === 'leaderAndIsr') {
    if (answer.errorCode !== 0) return null;
    const partitions = (answer.topics ?? []).flatMap(({ topicId, partitionErrors }) =>
      partitionErrors.map(({ partitionIndex, errorCode }) => ({
        topicId,
        partition: partitionIndex,
        errorCode,
      })),
    );
    return { type: 'leaderAndIsrAnswered', brokerId, partitions };
  }
  if (request.api !== 'stopReplica') return null;
  const codes = new Map<string, number>();
  for (const { topicName, partitionIndex, errorCode } of answer.partitionErrors ?? []) {
    codes.set(`${topicName}-${partitionIndex}`, errorCode);
  }
  const partitions = request.body.topicStates.flatMap(({ topicName: topic, partitionStates }) =>
    partitionStates
      .filter(({ deletePartition }) => deletePartition)
      .map(({ partitionIndex: partition }) => ({
        topic,
        partition,
        errorCode: answer.errorCode || (codes.get(`${topic}-${partition}`) ?? 0),
      })),
  );
  return partitions.length === 0 ? null : { type: 'deletionAnswered', brokerId, partitions };
};
