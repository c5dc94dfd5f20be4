/** Producers that run while brokers come and go, and consumers that read all there is: our own client's and kafkajs's. */
import { Kafka, logLevel } from 'kafkajs';
import {
  type Consumer,
  createConsumer,
  createProducer,
  type ProducerOptions,
} from '../../client/index.ts';
import { realSystem } from '../../system/system.ts';
import type { Acknowledged, Content, Oracle } from './oracle.ts';
import { until } from './waiting.ts';

const system = realSystem();

export interface Load {
  /** Records sent so far. */
  readonly count: number;
  /** Resolves when `total` records have been acknowledged or have failed. */
  readonly done: Promise<void>;
  /** Stops sending and resolves when everything has been acknowledged or has failed. */
  stop(): Promise<void>;
}

export type StartLoad = (options: LoadOptions) => Load;

export interface LoadOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitionCount: number;
  readonly oracle: Oracle;
  /** Unacknowledged records at most. */
  readonly window?: number;
  /** Ends by itself after so many records. */
  readonly total?: number;
  /** Records of a request, with kafkajs. */
  readonly batchSize?: number;
  readonly producer?: Partial<ProducerOptions>;
}

/** Our own idempotent producer, acks=all, as many records under way as `window` allows. */
export const ownLoad: StartLoad = (options) => {
  const { bootstrapServers, topic, partitionCount, oracle, window = 200 } = options;
  const { total = Number.POSITIVE_INFINITY } = options;
  const producer = createProducer(system, {
    bootstrapServers,
    acks: 'all',
    requestTimeoutMs: 10_000,
    deliveryTimeoutMs: 120_000,
    ...options.producer,
  });
  const load = { count: 0, isStopped: false };
  let underWay = 0;
  const run = async (): Promise<void> => {
    while (!load.isStopped && load.count < total) {
      if (underWay >= window) {
        await system.clock.sleep(1);
        continue;
      }
      const partition = load.count % partitionCount;
      const value = `own-${load.count++}`;
      underWay++;
      oracle.sending(partition, value);
      producer.post({ topic, partition, value }, (error, metadata) => {
        underWay--;
        if (error !== null) oracle.failures.push(error);
        else oracle.acknowledged.push({ partition, offset: metadata?.offset ?? -1, value });
      });
      if (load.count % 50 === 0) await system.clock.sleep(1);
    }
    await producer.close();
  };
  const done = run();
  return {
    get count() {
      return load.count;
    },
    done,
    stop: async () => {
      load.isStopped = true;
      await done;
    },
  };
};

export const newKafka = (bootstrapServers: string): Kafka =>
  new Kafka({
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 1000 },
  });

/** kafkajs's idempotent producer: a batch of records for one partition after the other, one request under way. */
export const kafkaJsLoad: StartLoad = (options) => {
  const { bootstrapServers, topic, partitionCount, oracle, batchSize = 30 } = options;
  const { total = Number.POSITIVE_INFINITY } = options;
  const producer = newKafka(bootstrapServers).producer({
    idempotent: true,
    maxInFlightRequests: 1,
  });
  const load = { count: 0, isStopped: false };
  const sendBatch = async (): Promise<void> => {
    // One partition each time: with several, kafkajs forgets those that move to a broker that has answered already.
    const partition = (load.count / batchSize) % partitionCount;
    const records = Array.from({ length: batchSize }, () => {
      const value = `kafkajs-${load.count++}`;
      oracle.sending(partition, value);
      return { partition, value };
    });
    const [answer] = await producer.send({ topic, acks: -1, messages: records });
    const baseOffset = Number(answer?.baseOffset ?? -1);
    for (const [index, { value }] of records.entries()) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      oracle.acknowledged.push({ partition, offset, value });
    }
  };
  const run = async (): Promise<void> => {
    await producer.connect();
    while (!load.isStopped && load.count < total) {
      try {
        await sendBatch();
      } catch (error) {
        oracle.failures.push(error as Error);
        break;
      }
    }
    await producer.disconnect();
  };
  const done = run();
  return {
    get count() {
      return load.count;
    },
    done,
    stop: async () => {
      load.isStopped = true;
      await done;
    },
  };
};

export interface GroupOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitionCount: number;
  readonly groupId: string;
}

/** Two members of one group that read a topic from its beginning. */
export interface GroupReader {
  /** In the order in which they came. */
  readonly records: readonly Acknowledged[];
  /** Resolves when both members have partitions, all of them together. */
  untilAssigned(): Promise<unknown>;
  stop(): Promise<void>;
}

export const ownGroup = (options: GroupOptions): GroupReader => {
  const { bootstrapServers, topic, groupId, partitionCount } = options;
  const records: Acknowledged[] = [];
  let isStopped = false;
  const consumers = Array.from({ length: 2 }, () =>
    createConsumer(system, {
      bootstrapServers,
      groupId,
      autoOffsetReset: 'earliest',
      fetchMaxWaitMs: 50,
      heartbeatIntervalMs: 100,
    }),
  );
  const run = async (consumer: Consumer): Promise<void> => {
    consumer.subscribe([topic]);
    while (!isStopped) {
      for (const { partition, offset, value } of await consumer.poll(100))
        records.push({ partition, offset, value: String(value) });
    }
    await consumer.close();
  };
  const done = Promise.all(consumers.map(run));
  // Looked at by `stop`.
  done.catch(() => {});
  const counts = () => consumers.map((consumer) => consumer.assignment().length);
  return {
    records,
    untilAssigned: () => until('an assignment', () => isSpread(counts(), partitionCount)),
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
};

export const kafkaJsGroup = (options: GroupOptions): GroupReader => {
  const { bootstrapServers, topic, groupId, partitionCount } = options;
  const records: Acknowledged[] = [];
  const kafka = newKafka(bootstrapServers);
  const counts = [0, 0];
  const consumers = counts.map((_, index) => {
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50, heartbeatInterval: 100 });
    consumer.on('consumer.group_join', ({ payload }) => {
      counts[index] = payload.memberAssignment[topic]?.length ?? 0;
    });
    return consumer;
  });
  const start = async (consumer: (typeof consumers)[number]): Promise<void> => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        const { offset, value } = message;
        records.push({ partition, offset: Number(offset), value: String(value) });
      },
    });
  };
  const started = Promise.all(consumers.map(start));
  return {
    records,
    untilAssigned: async () => {
      await started;
      await until('an assignment', () => isSpread(counts, partitionCount));
    },
    stop: async () => {
      await Promise.all(consumers.map((consumer) => consumer.disconnect()));
    },
  };
};

const isSpread = (counts: readonly number[], total: number): boolean =>
  counts.every((count) => count > 0) && counts.reduce((sum, count) => sum + count) === total;

/** What a group has read, by partition, as it came. */
export const contentOf = (records: readonly Acknowledged[]): Content => {
  const content = new Map<number, { offset: number; value: string }[]>();
  for (const { partition, offset, value } of records) {
    const found = content.get(partition);
    if (found === undefined) content.set(partition, [{ offset, value }]);
    else found.push({ offset, value });
  }
  return content;
};
