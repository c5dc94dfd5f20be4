/** One broker of a ReplicaCluster: its replica layer, and what tests do with it. */
import { produceHandler } from '../../../broker/handlers/produce.ts';
import type { Fetchers } from '../../../broker/replication/fetchers.ts';
import type { HostedPartition } from '../../../broker/replication/hosted-partition.ts';
import type { IsrProposal } from '../../../broker/replication/partition.ts';
import type { ReplicaManager } from '../../../broker/replication/replica-manager.ts';
import type { Services } from '../../../broker/services.ts';
import { batches } from '../../../protocol/batches.ts';
import { buildBatch } from '../../../protocol/record-batch.ts';
import { call } from '../fake-services.ts';

export const TOPIC = 'topic';

export interface Proposed {
  readonly replica: HostedPartition;
  readonly proposal: IsrProposal;
}

export class TestBroker {
  readonly id: number;
  readonly replicas: ReplicaManager;
  readonly fetchers: Fetchers;
  readonly services: Services;
  readonly proposals: Proposed[] = [];
  isUp = true;

  constructor(
    id: number,
    parts: {
      readonly replicas: ReplicaManager;
      readonly fetchers: Fetchers;
      readonly services: Services;
      readonly proposals: Proposed[];
    },
  ) {
    this.id = id;
    this.replicas = parts.replicas;
    this.fetchers = parts.fetchers;
    this.services = parts.services;
    this.proposals = parts.proposals;
  }

  replica(partition = 0): HostedPartition {
    const replica = this.replicas.get(TOPIC, partition);
    if (replica === undefined) throw new Error(`broker ${this.id} has no ${TOPIC}-${partition}`);
    return replica;
  }

  /** Writes one record past Produce, as its leader; resolves when it is in the leader's log. */
  async write(value: string, partition = 0): Promise<void> {
    const replica = this.replica(partition);
    const records = batchOf([value]);
    const { leaderEpoch } = replica.state;
    await replica.log.appendAsLeader(records, { leaderEpoch, origin: 'client' });
  }

  produce(
    values: readonly string[],
    options: {
      readonly acks?: number;
      readonly timeoutMs?: number;
      readonly version?: number;
    } = {},
  ): Promise<{ errorCode: number; baseOffset: number }> {
    const { acks = -1, timeoutMs = 30_000, version = 9 } = options;
    const partitionData = [{ index: 0, records: batchOf(values) }];
    const body = { acks, timeoutMs, topicData: [{ name: TOPIC, partitionData }] };
    return call(produceHandler, this.services, version, body).then(({ responses }) => {
      const topics = responses as {
        partitionResponses: { errorCode: number; baseOffset: number }[];
      }[];
      const [answer] = topics[0]?.partitionResponses ?? [];
      if (answer === undefined) throw new Error('no answer');
      return answer;
    });
  }

  /** `offset:epoch:value` of all records. */
  async records(partition = 0): Promise<string[]> {
    const { log } = this.replica(partition);
    const found: string[] = [];
    let offset = log.logStartOffset;
    while (offset < log.logEndOffset) {
      const read = await log.read(offset, {
        maxBytes: 100_000,
        endOffset: log.logEndOffset,
        minOneBatch: true,
      });
      for (const batch of batches(Buffer.concat(read.buffers))) {
        for (const record of batch.records())
          found.push(`${record.offset}:${batch.partitionLeaderEpoch}:${record.value}`);
        offset = batch.nextOffset;
      }
    }
    return found;
  }
}

export const batchOf = (values: readonly string[]): Buffer =>
  buildBatch({
    timestamp: 1_700_000_000_000,
    records: values.map((value) => ({ key: null, value: Buffer.from(value) })),
  });
