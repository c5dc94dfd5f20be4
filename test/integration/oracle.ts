/**
 * What producers were told against what is there: remembers every acknowledgement, reads every replica by plain fetches,
 * and compares. Knows nothing of who was killed meanwhile.
 */
import { type Admin, createAdmin, type PartitionInfo, throwFirst } from '../../client/index.ts';
import { openChannel, type RequestChannel } from '../../network/request-channel.ts';
import { apis } from '../../protocol/apis.ts';
import { batches } from '../../protocol/batches.ts';
import { errorOf } from '../../protocol/errors.ts';
import { realSystem } from '../../system/system.ts';
import { until } from './waiting.ts';

const system = realSystem();

/** A record that was acknowledged; the offset is -1 where the client does not learn it. */
export interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** What a topic holds, by partition: values in the order of their offsets. */
export type Content = ReadonlyMap<number, readonly { offset: number; value: string }[]>;

export class Oracle {
  readonly acknowledged: Acknowledged[] = [];
  /** In the order of the calls of send, by partition, acknowledged or not. */
  readonly sent = new Map<number, string[]>();
  /** Sent by somebody else, whose records may stand anywhere between these, or not be there. */
  readonly foreign = new Set<string>();
  readonly failures: Error[] = [];

  sending(partition: number, value: string): void {
    const values = this.sent.get(partition);
    if (values === undefined) this.sent.set(partition, [value]);
    else values.push(value);
  }

  /**
   * Throws unless every acknowledged record is where it was said to be, every record is there at most once (unless
   * `allowsRepeats`), and each partition's records stand in the order in which they were sent.
   */
  check(content: Content, { allowsRepeats = false } = {}): void {
    const problems: string[] = [];
    for (const { partition, offset, value } of this.acknowledged) {
      const found = content.get(partition) ?? [];
      const isThere =
        offset < 0
          ? found.some((record) => record.value === value)
          : binarySearch(found, offset)?.value === value;
      if (!isThere) problems.push(`lost: ${value} at ${partition}/${offset}`);
    }
    for (const [partition, records] of content) {
      const order = new Map(this.sent.get(partition)?.map((value, index) => [value, index]));
      const seen = new Set<string>();
      let last = -1;
      for (const { offset, value } of records) {
        if (this.foreign.has(value)) continue;
        const index = order.get(value);
        if (index === undefined) problems.push(`unknown: ${value} at ${partition}/${offset}`);
        else if (seen.has(value)) {
          if (!allowsRepeats) problems.push(`twice: ${value} at ${partition}/${offset}`);
          continue;
        } else if (index < last) problems.push(`out of order: ${value} at ${partition}/${offset}`);
        seen.add(value);
        last = Math.max(last, index ?? -1);
      }
    }
    if (problems.length === 0) return;
    throw new Error(`${problems.length} problems, first:\n${problems.slice(0, 10).join('\n')}`);
  }
}

const binarySearch = <T extends { readonly offset: number }>(
  records: readonly T[],
  offset: number,
): T | undefined => {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle] as T).offset < offset) low = middle + 1;
    else high = middle;
  }
  return records[low]?.offset === offset ? records[low] : undefined;
};

/** Runs `use` with an admin client that is closed afterwards. */
export const withAdmin = async <T>(
  bootstrapServers: string,
  use: (admin: Admin) => Promise<T>,
): Promise<T> => {
  const admin = createAdmin(system, {
    bootstrapServers,
    // A stopped process takes connections and never answers.
    requestTimeoutMs: 5000,
    defaultApiTimeoutMs: 30_000,
  });
  try {
    return await use(admin);
  } finally {
    admin.close();
  }
};

/** With three replicas. */
export const createTopic = (
  bootstrapServers: string,
  name: string,
  numPartitions: number,
): Promise<unknown> =>
  withAdmin(bootstrapServers, async (admin) => {
    const topics = [{ name, numPartitions, replicationFactor: 3 }];
    throwFirst(await admin.createTopics(topics));
  });

export const describeTopic = (
  bootstrapServers: string,
  topic: string,
): Promise<readonly PartitionInfo[]> =>
  withAdmin(bootstrapServers, async (admin) => {
    const [found] = await admin.describeTopics([topic]);
    return found?.partitions ?? [];
  });

/** Resolves when every partition has a leader and all its replicas in sync. */
export const untilInSync = (
  bootstrapServers: string,
  topic: string,
  timeoutMs = 60_000,
): Promise<readonly PartitionInfo[]> =>
  withAdmin(bootstrapServers, (admin) => {
    let last = '';
    return until(
      `all replicas of ${topic} in sync`,
      async () => {
        const [found] = await admin.describeTopics([topic]);
        const partitions = found?.partitions ?? [];
        last = JSON.stringify(partitions);
        const isInSync = partitions.every(
          ({ leaderId, isr, replicas }) => leaderId >= 0 && isr.length === replicas.length,
        );
        return isInSync && partitions.length > 0 ? partitions : null;
      },
      timeoutMs,
    ).catch((cause: Error) => {
      throw new Error(`${cause.message}; at last ${last}`, { cause });
    });
  });

/** Reads a topic from its leaders, and throws unless every other replica holds the same. */
export const readEverything = async (bootstrapServers: string, topic: string): Promise<Content> => {
  const partitions = await untilInSync(bootstrapServers, topic);
  const content = new Map<number, { offset: number; value: string }[]>();
  const channels = new Map<number, RequestChannel>();
  try {
    await withAdmin(bootstrapServers, async (admin) => {
      for (const { host, port, id } of (await admin.describeCluster()).brokers) {
        channels.set(id, await openChannel(system, { host, port, clientId: 'oracle' }));
      }
    });
    for (const { partition, leaderId, replicas } of partitions) {
      const records = await readReplica(channels.get(leaderId), topic, partition);
      content.set(partition, records);
      for (const id of replicas.filter((other) => other !== leaderId)) {
        // A follower learns the high watermark with its next fetch.
        await until(`replica ${topic}-${partition} on ${id} like its leader's`, async () => {
          const copy = await readReplica(channels.get(id), topic, partition);
          return JSON.stringify(copy) === JSON.stringify(records);
        });
      }
    }
    return content;
  } finally {
    for (const channel of channels.values()) channel.close();
  }
};

/** The committed records of one replica, by plain fetches. */
const readReplica = async (
  channel: RequestChannel | undefined,
  topic: string,
  partition: number,
): Promise<{ offset: number; value: string }[]> => {
  if (channel === undefined) throw new Error('a replica on a broker that is not there');
  const records: { offset: number; value: string }[] = [];
  for (let fetchOffset = 0; ; ) {
    const response = await channel.send(
      apis.fetch,
      {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_048_576 }] }],
        forgottenTopicsData: [],
      },
      { version: 11 },
    );
    const answer = response.responses[0]?.partitions[0];
    if (answer === undefined || answer.errorCode !== 0)
      throw new Error(`fetch of ${topic}-${partition}: ${errorOf(answer?.errorCode ?? -1).name}`);
    if (fetchOffset >= answer.highWatermark) return records;
    const before = fetchOffset;
    for (const batch of batches(answer.records ?? Buffer.alloc(0))) {
      for (const { offset, value } of batch.records()) {
        if (offset >= fetchOffset) records.push({ offset, value: String(value) });
      }
      fetchOffset = batch.nextOffset;
    }
    if (fetchOffset === before) throw new Error(`nothing at ${topic}-${partition}/${before}`);
  }
};
