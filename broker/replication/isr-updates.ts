/**
 * Asks the controller to change ISRs (AlterPartition, KIP-497): one pending proposal per partition, one request in flight with
 * all that are pending, sent again until the controller has answered. Reproduces Kafka's DefaultAlterPartitionManager.
 */
import { apis, type RequestInput, type ResponseOutput } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { groupBy } from '../../system/group-by.ts';
import type { System } from '../../system/system.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { IsrAnswer, IsrProposal } from './partition.ts';

/** Sends requests to whoever is the controller, found anew after a failure. */
export interface ControllerChannel {
  /** Rejects when the controller is unknown or can't be reached. */
  send(
    api: typeof apis.alterPartition,
    body: RequestInput<typeof apis.alterPartition>,
    options?: { readonly version?: number },
  ): Promise<ResponseOutput<typeof apis.alterPartition>>;
  /** The controller was the wrong one. */
  forget(): void;
}

interface Pending {
  readonly partition: HostedPartition;
  readonly proposal: IsrProposal;
}

type PartitionAnswer = ResponseOutput<
  typeof apis.alterPartition
>['topics'][number]['partitions'][number];

const RETRY_BACKOFF_MS = 50;
/** Topic ids take the place of names from here on. */
const FIRST_VERSION_WITH_TOPIC_IDS = 2;

/** Codes after which a proposal may be made again at the next occasion. */
const refusals: ReadonlySet<number> = new Set([
  errorCodes.OPERATION_NOT_ATTEMPTED,
  errorCodes.INELIGIBLE_REPLICA,
]);
/** Codes that say this leader is out of date: a LeaderAndIsr request is on its way. */
const supersessions: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.UNKNOWN_TOPIC_ID,
  errorCodes.FENCED_LEADER_EPOCH,
  errorCodes.INVALID_UPDATE_VERSION,
  errorCodes.INVALID_REQUEST,
  errorCodes.NEW_LEADER_ELECTED,
]);

export class IsrUpdates {
  readonly #system: System;
  readonly #channel: ControllerChannel;
  readonly #identity: { readonly brokerId: number; brokerEpoch(): bigint };
  readonly #pending = new Map<string, Pending>();
  #isSending = false;
  #isStopped = false;

  constructor(
    system: System,
    channel: ControllerChannel,
    identity: { readonly brokerId: number; brokerEpoch(): bigint },
  ) {
    this.#system = system;
    this.#channel = channel;
    this.#identity = identity;
  }

  /** Queues a proposal; a partition has at most one. */
  submit(partition: HostedPartition, proposal: IsrProposal): void {
    const name = `${partition.topic}-${partition.partition}`;
    const waiting = this.#pending.get(name);
    if (waiting !== undefined) {
      // An older epoch's proposal is void by now; one of this epoch is the one in flight.
      if (waiting.proposal.leaderEpoch >= proposal.leaderEpoch) {
        partition.applyIsrAnswer(proposal, { type: 'refused' });
        return;
      }
    }
    this.#pending.set(name, { partition, proposal });
    // Gathers what one turn of the event loop proposes.
    if (!this.#isSending) {
      this.#isSending = true;
      this.#system.clock.defer(() => void this.#sendAll());
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#pending.clear();
  }

  async #sendAll(): Promise<void> {
    while (this.#pending.size > 0 && !this.#isStopped) {
      const isAnswered = await this.#sendOnce();
      if (!isAnswered && !this.#isStopped) await this.#system.clock.sleep(RETRY_BACKOFF_MS);
    }
    this.#isSending = false;
  }

  /** False when the whole request must be sent again. */
  async #sendOnce(): Promise<boolean> {
    const batch = [...this.#pending];
    const { body, version } = this.#request(batch.map(([, pending]) => pending));
    try {
      const response = await this.#channel.send(apis.alterPartition, body, version);
      if (this.#isStopped) return true;
      return this.#applyResponse(new Map(batch), response);
    } catch (error) {
      this.#system.logger.info({ err: error }, 'AlterPartition will be sent again');
      this.#channel.forget();
      return false;
    }
  }

  #request(batch: readonly Pending[]) {
    const allHaveIds = batch.every(({ partition }) => partition.topicId !== ZERO_UUID);
    const topics = [...groupBy(batch, (pending) => pending.partition.topic)].map(
      ([topicName, group]) => ({
        topicName,
        topicId: group[0]?.partition.topicId ?? ZERO_UUID,
        partitions: group.map(({ partition, proposal }) => ({
          partitionIndex: partition.partition,
          leaderEpoch: proposal.leaderEpoch,
          ...(allHaveIds
            ? { newIsrWithEpochs: proposal.isr.map((brokerId) => ({ brokerId })) }
            : { newIsr: [...proposal.isr] }),
          partitionEpoch: proposal.partitionEpoch,
        })),
      }),
    );
    const { brokerId } = this.#identity;
    const body = { brokerId, brokerEpoch: this.#identity.brokerEpoch(), topics };
    return { body, version: { version: allHaveIds ? 3 : FIRST_VERSION_WITH_TOPIC_IDS - 1 } };
  }

  #applyResponse(
    batch: ReadonlyMap<string, Pending>,
    response: ResponseOutput<typeof apis.alterPartition>,
  ): boolean {
    const byPlace = new Map<string, Pending>();
    for (const pending of batch.values()) {
      const { topic, topicId, partition } = pending.partition;
      byPlace.set(`${topic}/${partition}`, pending).set(`${topicId}/${partition}`, pending);
    }
    const answers = new Map<Pending, PartitionAnswer>();
    for (const topic of response.topics) {
      const topicKey = topic.topicName === '' ? topic.topicId : topic.topicName;
      for (const answer of topic.partitions) {
        const pending = byPlace.get(`${topicKey}/${answer.partitionIndex}`);
        if (pending !== undefined) answers.set(pending, answer);
      }
    }
    const isWrongController =
      response.errorCode === errorCodes.NOT_CONTROLLER ||
      [...answers.values()].some(({ errorCode }) => errorCode === errorCodes.NOT_CONTROLLER);
    if (isWrongController) this.#channel.forget();
    if (isWrongController || response.errorCode !== errorCodes.NONE) return false;
    for (const [name, pending] of batch) {
      const answer = answers.get(pending);
      // One that the response leaves out stays and goes out again.
      if (answer === undefined) continue;
      if (this.#pending.get(name) === pending) this.#pending.delete(name);
      pending.partition.applyIsrAnswer(pending.proposal, answerOf(answer));
    }
    return true;
  }
}

const answerOf = (answer: PartitionAnswer): IsrAnswer => {
  if (answer.errorCode === errorCodes.NONE) {
    const { isr, leaderEpoch, partitionEpoch } = answer;
    return { type: 'accepted', isr, leaderEpoch, partitionEpoch };
  }
  if (refusals.has(answer.errorCode)) return { type: 'refused' };
  return supersessions.has(answer.errorCode) ? { type: 'superseded' } : { type: 'failed' };
};
