/**
 * What Apache Kafka answered to more than 200 produce requests, good and bad ones, in formats of any age, and what consumers
 * of any age got of it afterwards: the same here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchHandler } from '../../broker/handlers/fetch.ts';
import { produceHandler } from '../../broker/handlers/produce.ts';
import { defaultLogConfig, logConfigOf } from '../../log/log-config.ts';
import { batches } from '../../protocol/batches.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { messagesIn } from '../../protocol/old-messages.ts';
import { call } from './fake-services.ts';
import { ReplicaCluster, removeDirectories, TOPIC } from './replication/replica-cluster.ts';

interface Answer {
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly hasAppendTime?: boolean;
  readonly logStartOffset?: number;
  readonly recordErrors?: readonly number[];
  readonly hasMessage?: boolean;
}

interface Case {
  readonly name: string;
  readonly topic: string;
  readonly version: number;
  readonly records: string;
  readonly answer: Answer;
}

interface Fetched {
  readonly topic: string;
  readonly version: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly errorCode: number;
  readonly records: string;
}

const recorded = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/records/produce-answers.json'), 'utf8'),
) as {
  readonly nowMs: number;
  readonly topics: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly cases: readonly Case[];
  readonly fetched: readonly Fetched[];
};

/** Where Kafka stumbles over nonsense and answers -1, we say what is wrong with it. */
const saidBetter: Readonly<Record<string, number>> = {
  'magic 0 around magic 7': errorCodes.INVALID_RECORD,
  'magic 1 size too small for the message': errorCodes.CORRUPT_MESSAGE,
  'size 20': errorCodes.CORRUPT_MESSAGE,
};

let cluster: ReplicaCluster;

afterAll(removeDirectories);

const partitionIn = (answer: Record<string, unknown>, list: string, inner: string) =>
  (answer[list] as never)[0][inner][0] as Record<string, unknown>;

const produce = async (version: number, records: Buffer): Promise<Record<string, unknown>> => {
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData };
  try {
    const answer = await call(produceHandler, cluster.broker(1).services, version, body);
    return partitionIn(answer, 'responses', 'partitionResponses');
  } catch (error) {
    // It concerns the whole request; dispatch answers so for every partition.
    if (!(error instanceof ProtocolError)) throw error;
    return { errorCode: error.code, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 };
  }
};

const fetch = async ({ version, fetchOffset, maxBytes }: Fetched) => {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }];
  const limits = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 24 };
  const body = { ...limits, topics: [{ topic: TOPIC, partitions }] };
  const answer = await call(fetchHandler, cluster.broker(1).services, version, body);
  return partitionIn(answer, 'responses', 'partitions');
};

const answerOf = (got: Record<string, unknown>, recordedAnswer: Answer): Answer => {
  const errors = (got.recordErrors ?? []) as { batchIndex: number }[];
  const all = {
    errorCode: got.errorCode as number,
    baseOffset: got.baseOffset as number,
    hasAppendTime: (got.logAppendTimeMs as number) >= 0,
    logStartOffset: got.logStartOffset as number,
    recordErrors: errors.map(({ batchIndex }) => batchIndex),
    hasMessage: (got.errorMessage ?? null) !== null,
  };
  const wanted = Object.entries(all).filter(([name]) => name in recordedAnswer);
  return Object.fromEntries(wanted) as unknown as Answer;
};

/** Everything a consumer sees, but the time of the append. */
const rowsOf = (bytes: Buffer): string[] =>
  [...batches(bytes)].flatMap((batch) => {
    const type = batch.timestampType;
    return (batch.isOld ? messagesIn(batch) : [...batch.records()]).map((record) =>
      JSON.stringify([
        batch.magic,
        batch.compression,
        type,
        type === 'logAppendTime' ? 0 : record.timestamp,
        record.offset,
        record.key?.toString('base64') ?? null,
        record.value?.toString('base64') ?? null,
        record.headers.map(({ key, value }) => `${key}=${value}`),
      ]),
    );
  });

describe.each(Object.entries(recorded.topics))('topic %s', (topic, settings) => {
  // Below version 3 Kafka gives nothing where the first batch is larger than asked for; here it is given.
  const fetched = recorded.fetched.filter(
    (one) => one.topic === topic && (one.version > 2 || one.maxBytes > 200),
  );

  beforeAll(async () => {
    const log = logConfigOf(defaultLogConfig, new Map(Object.entries(settings)));
    cluster = await ReplicaCluster.start({ brokerCount: 1, log, startMs: recorded.nowMs });
    await cluster.decide({ leader: 1, epoch: 0, replicas: [1] });
  });

  afterAll(() => cluster.stop());

  test('gets what is produced, and refuses what Apache Kafka refuses', async () => {
    const expected: unknown[] = [];
    const got: unknown[] = [];
    for (const { name, version, records, answer } of recorded.cases.filter(
      (one) => one.topic === topic,
    )) {
      const errorCode = saidBetter[name] ?? answer.errorCode;
      expected.push({ name, answer: { ...answer, errorCode } });
      const bytes = Buffer.from(records, 'base64');
      got.push({ name, answer: answerOf(await produce(version, bytes), answer) });
    }
    expect(got).toEqual(expected);
  });

  test.each(fetched)('gives Fetch v$version from $fetchOffset, $maxBytes bytes', async (one) => {
    const got = await fetch(one);
    expect(got.errorCode).toBe(one.errorCode);
    const bytes = Buffer.concat([got.records as Buffer]);
    const rows = rowsOf(bytes);
    const expected = rowsOf(Buffer.from(one.records, 'base64'));
    // The size decides where the answer is cut off, and gzip is not the same everywhere.
    const count = topic === 'gz' ? Math.min(rows.length, expected.length) : expected.length;
    expect(count).toBeGreaterThan(expected.length - 4);
    expect(rows.slice(0, topic === 'gz' ? count : undefined)).toEqual(expected.slice(0, count));
  });
});
