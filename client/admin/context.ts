/** What the families of the admin client share: whom a call goes to, and how it is tried again. */
import type { ChannelKey } from '../../network/broker-pool.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { System } from '../../system/system.ts';
import type { Cluster } from '../cluster.ts';
import { type ProtocolError, protocolError } from '../errors.ts';
import { GroupCoordinator } from '../group-coordinator.ts';
import { retrying } from '../retry.ts';

/** How one of several things asked for has ended; null is success. */
export interface Outcome {
  readonly error: ProtocolError | null;
}

export interface CallOptions {
  /** default.api.timeout.ms of this call; also the broker's own limit where the request has one. */
  readonly timeoutMs?: number;
}

export const outcomeOf = (code: number, detail?: string | null): ProtocolError | null =>
  code === 0 ? null : protocolError(code, detail);

/** Throws the first failure of a list. */
export const throwFirst = <T extends Outcome>(outcomes: readonly T[]): readonly T[] => {
  const failed = outcomes.find(({ error }) => error !== null);
  if (failed?.error) throw failed.error;
  return outcomes;
};

export class AdminContext {
  readonly system: System;
  readonly cluster: Cluster;
  readonly #defaultTimeoutMs: number;

  constructor(system: System, cluster: Cluster, defaultTimeoutMs: number) {
    this.system = system;
    this.cluster = cluster;
    this.#defaultTimeoutMs = defaultTimeoutMs;
  }

  timeoutMs(options: CallOptions): number {
    return options.timeoutMs ?? this.#defaultTimeoutMs;
  }

  /** What the broker may take: no longer than its answer is waited for. */
  brokerTimeoutMs(options: CallOptions): number {
    return Math.min(this.timeoutMs(options), this.cluster.options.requestTimeoutMs);
  }

  deadline(options: CallOptions): number {
    return this.cluster.deadline(this.timeoutMs(options));
  }

  /** Calls until it succeeds or fails for good; metadata is fetched anew between tries. */
  async attempt<T>(
    what: string,
    options: CallOptions,
    call: (deadlineMs: number) => Promise<T>,
  ): Promise<T> {
    const { cluster } = this;
    const deadlineMs = this.deadline(options);
    await cluster.ready(deadlineMs);
    let isFirst = true;
    return retrying(this.system, { ...cluster.backoff, deadlineMs, what }, async () => {
      if (!isFirst) await cluster.refresh();
      isFirst = false;
      return call(deadlineMs);
    });
  }

  /** Sends to the controller, and to the next one when it is not that any more. */
  onController<T>(
    what: string,
    options: CallOptions,
    call: (controller: number) => Promise<T>,
  ): Promise<T> {
    return this.attempt(what, options, async (deadlineMs) =>
      call(await this.cluster.controller(deadlineMs)),
    );
  }

  onAny<T>(
    what: string,
    options: CallOptions,
    call: (broker: ChannelKey) => Promise<T>,
  ): Promise<T> {
    return this.attempt(what, options, () => call(this.cluster.anyBroker()));
  }

  /** Sends to a group's coordinator. */
  onCoordinator<T>(
    groupId: string,
    options: CallOptions,
    call: (coordinator: GroupCoordinator, deadlineMs: number) => Promise<T>,
  ): Promise<T> {
    const coordinator = new GroupCoordinator(this.system, this.cluster, groupId);
    return this.attempt(`asking about group ${groupId}`, options, (deadlineMs) =>
      call(coordinator, deadlineMs),
    );
  }
}

/** A broker that is not the controller says so in every entry; then the whole request has to go elsewhere. */
export const checkController = (entries: readonly { readonly errorCode: number }[]): void => {
  const { NOT_CONTROLLER } = errorCodes;
  if (entries.some(({ errorCode }) => errorCode === NOT_CONTROLLER))
    throw protocolError(NOT_CONTROLLER);
};
