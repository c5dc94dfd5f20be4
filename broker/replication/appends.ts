/**
 * Appends to partitions that this broker leads, and waits for their acknowledgement: the core of Produce, and of the
 * coordinators' writes to their own topics. Reproduces Kafka's ReplicaManager.appendRecords (requests sheet §8).
 */
import type { AppendInfo } from '../../log/partition-log.ts';
import { InvalidRecordsError, type RecordError } from '../../log/validate-errors.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { Deadline, Deadlines } from '../deadlines.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { ReplicaManager } from './replica-manager.ts';

export interface Append {
  readonly topic: string;
  readonly partition: number;
  readonly records: Buffer;
}

export interface AppendOptions {
  readonly acks: -1 | 0 | 1;
  readonly timeoutMs: number;
  readonly origin: 'client' | 'coordinator';
}

export interface AppendResult {
  readonly errorCode: number;
  /** -1 unless appended. */
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly errorMessage?: string;
  readonly recordErrors?: readonly RecordError[];
}

/** Errors after which Kafka leaves the log start offset out of the answer. */
const withoutLogStart: ReadonlySet<number> = new Set([
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.MESSAGE_TOO_LARGE,
  errorCodes.RECORD_LIST_TOO_LARGE,
  errorCodes.CORRUPT_MESSAGE,
  errorCodes.KAFKA_STORAGE_ERROR,
]);

/**
 * Appends to each partition in turn (so that the order of calls is the order of offsets) and resolves when all have been
 * answered: after the local write, or with acks=all after the whole ISR has the records or `timeoutMs` has passed.
 */
export const appendRecords = async (
  replicas: ReplicaManager,
  appends: readonly Append[],
  options: AppendOptions,
): Promise<AppendResult[]> => {
  const { acks, timeoutMs, origin } = options;
  const deadline = acks === -1 ? new AckDeadline(replicas, timeoutMs) : null;
  // No await before every append is queued: the next request of this connection must queue behind.
  const results = appends.map((append) => appendOne(replicas, append, origin, deadline));
  try {
    const [only] = results;
    // Most requests are for one partition, and waiting for several costs more.
    return only !== undefined && results.length === 1 ? [await only] : await Promise.all(results);
  } finally {
    deadline?.remove();
  }
};

const appendOne = async (
  replicas: ReplicaManager,
  { topic, partition, records }: Append,
  origin: AppendOptions['origin'],
  deadline: AckDeadline | null,
): Promise<AppendResult> => {
  const replica = replicas.lookUp(topic, partition);
  if (typeof replica === 'number') return refused(replica);
  if (!replica.state.isLeader) return refused(errorCodes.NOT_LEADER_OR_FOLLOWER);
  if (deadline !== null && replica.isUnderMinIsr)
    return refused(errorCodes.NOT_ENOUGH_REPLICAS, replica.log.logStartOffset);
  const { leaderEpoch } = replica.state;
  let info: AppendInfo;
  try {
    info = await replica.log.appendAsLeader(records, {
      leaderEpoch,
      origin,
      isStillLeader: () => replica.state.isLeader && replica.state.leaderEpoch === leaderEpoch,
    });
  } catch (error) {
    return refusal(error, replica, replicas);
  }
  const errorCode =
    deadline === null ? errorCodes.NONE : await deadline.acks(replica, info.lastOffset + 1);
  return {
    errorCode,
    baseOffset: info.baseOffset,
    logAppendTimeMs: info.logAppendTimeMs,
    logStartOffset: replica.log.logStartOffset,
  };
};

/** The result of an append that was not made. */
export const refused = (errorCode: number, logStartOffset = -1): AppendResult => ({
  errorCode,
  baseOffset: -1,
  logAppendTimeMs: -1,
  logStartOffset,
});

const refusal = (
  error: unknown,
  replica: HostedPartition,
  replicas: ReplicaManager,
): AppendResult => {
  if (error instanceof InvalidRecordsError) {
    return {
      ...refused(error.code, replica.log.logStartOffset),
      errorMessage: error.message,
      recordErrors: error.recordErrors,
    };
  }
  if (error instanceof ProtocolError) {
    const showsStart = !withoutLogStart.has(error.code);
    return refused(error.code, showsStart ? replica.log.logStartOffset : -1);
  }
  replicas.system.logger.error(
    { err: error, topic: replica.topic, partition: replica.partition },
    'append failed',
  );
  return refused(errorCodes.KAFKA_STORAGE_ERROR);
};

/** The waits of one request under one deadline. */
class AckDeadline {
  readonly #deadlines: Deadlines;
  readonly #deadline: Deadline;
  readonly #expirations = new Set<() => void>();
  #isExpired = false;

  constructor(replicas: ReplicaManager, timeoutMs: number) {
    this.#deadlines = replicas.deadlines;
    this.#deadline = this.#deadlines.add(timeoutMs, () => this.#expire());
  }

  /** Resolves to the error code of the acknowledgement of everything below `offset`. */
  acks(replica: HostedPartition, offset: number): Promise<number> {
    return new Promise((resolve) => {
      const expire = (): void => {
        cancel();
        resolve(errorCodes.REQUEST_TIMED_OUT);
      };
      const cancel = replica.waitForAcks(offset, (errorCode) => {
        this.#expirations.delete(expire);
        resolve(errorCode);
      });
      if (this.#isExpired) expire();
      else this.#expirations.add(expire);
    });
  }

  remove(): void {
    this.#deadlines.remove(this.#deadline);
  }

  #expire(): void {
    this.#isExpired = true;
    for (const expire of this.#expirations) expire();
    this.#expirations.clear();
  }
}
