/**
 * A topic on a broker that runs in this process, seen as a client and whoever looks into its folder
 * see it: batches go in by plain requests, files come out by their names.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createAdmin, throwFirst } from '../../../client/index.ts';
import { openChannel, type RequestChannel } from '../../../network/request-channel.ts';
import { apis } from '../../../protocol/apis.ts';
import { batches } from '../../../protocol/batches.ts';
import { buildBatch, type RecordInput } from '../../../protocol/record-batch.ts';
import { realSystem } from '../../../system/system.ts';
import type { Cluster } from '../../../tools/cluster.ts';

const system = realSystem();

export type Admin = ReturnType<typeof createAdmin>;

export interface Produced {
  readonly errorCode: number;
  readonly logAppendTimeMs: number;
}

export const adminOf = ({ bootstrapServers }: Cluster): Admin =>
  createAdmin(system, { bootstrapServers, requestTimeoutMs: 5000 });

/** Sets one thing, or with null takes the setting back. */
export const alter = async (
  admin: Admin,
  resource: { readonly type: 'topic' | 'broker'; readonly name: string },
  settings: Readonly<Record<string, string | null>>,
): Promise<void> => {
  const changes = Object.entries(settings).map(([name, value]) =>
    value === null
      ? ({ name, operation: 'delete' } as const)
      : ({ name, operation: 'set', value } as const),
  );
  throwFirst(await admin.incrementalAlterConfigs([{ ...resource, changes }]));
};

/** Text that no codec makes much smaller without effort. */
export const prose = (bytes: number): string => {
  let text = '';
  for (let i = 0; text.length < bytes; i++) text += `${(i * 7919) % 1013} of ${(i * 31) % 97}; `;
  return text.slice(0, bytes);
};

export class LiveTopic {
  readonly name: string;
  readonly directory: string;
  readonly #channel: RequestChannel;

  /** Makes the topic with one partition and one replica, on broker 1 of one that is alone. */
  static async create(
    cluster: Cluster,
    name: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<LiveTopic> {
    const admin = adminOf(cluster);
    try {
      const topic = { name, numPartitions: 1, replicationFactor: 1, configs: settings };
      throwFirst(await admin.createTopics([topic]));
    } finally {
      admin.close();
    }
    return LiveTopic.open(cluster, name);
  }

  /** Resolves when the broker leads the topic. */
  static async open(cluster: Cluster, name: string): Promise<LiveTopic> {
    const [host = '', port = ''] = cluster.bootstrapServers.split(':');
    const channel = await openChannel(system, { host, port: Number(port), clientId: 'live' });
    const [logDir = ''] = cluster.broker(1).parts.services.config.logDirs;
    const topic = new LiveTopic(name, `${logDir}/${name}-0`, channel);
    // Before the first LeaderAndIsr the answer is UNKNOWN_TOPIC_OR_PARTITION, in one turn with it.
    while ((await topic.#send(NOTHING)).errorCode === 3) await system.clock.sleep(5);
    return topic;
  }

  private constructor(name: string, directory: string, channel: RequestChannel) {
    this.name = name;
    this.directory = directory;
    this.#channel = channel;
  }

  close(): void {
    this.#channel.close();
  }

  /** Appends a batch; records have a key and are from now unless told otherwise. */
  produce(
    records: readonly Partial<RecordInput>[] = [{}],
    options: { readonly compression?: 'none' | 'gzip' } = {},
  ): Promise<Produced> {
    const timestamp = system.clock.nowMs();
    const filled = records.map((record) => ({
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      timestamp,
      ...record,
    }));
    return this.#send(buildBatch({ ...options, records: filled }));
  }

  async #send(records: Buffer): Promise<Produced> {
    const response = await this.#channel.send(
      apis.produce,
      {
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ name: this.name, partitionData: [{ index: 0, records }] }],
      },
      { version: 9 },
    );
    const answer = response.responses[0]?.partitionResponses[0];
    if (answer === undefined) throw new Error('no answer for the partition');
    return answer;
  }

  /** The error code of a fetch from the start. */
  async fetchError(version: number): Promise<number> {
    const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_048_576 };
    const response = await this.#channel.send(
      apis.fetch,
      {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topic: this.name, partitions: [partition] }],
        forgottenTopicsData: [],
      },
      { version },
    );
    return response.responses[0]?.partitions[0]?.errorCode ?? -1;
  }

  /** The files of the partition whose names end so, oldest first. */
  files(suffix: string): string[] {
    return readdirSync(this.directory)
      .filter((name) => name.endsWith(suffix))
      .sort();
  }

  /** Of the newest file that ends so. */
  sizeOf(suffix: string): number {
    return statSync(join(this.directory, this.files(suffix).at(-1) ?? '')).size;
  }

  get segmentCount(): number {
    return this.files('.log').length;
  }

  /** The stored batches, oldest first; those of preallocated room are none. */
  stored(): { readonly codec: string; readonly sizeBytes: number; readonly keys: string[] }[] {
    return this.files('.log').flatMap((name) => {
      const bytes = readFileSync(join(this.directory, name));
      return [...batches(bytes)].map((batch) => ({
        codec: batch.compression,
        sizeBytes: batch.sizeBytes,
        keys: [...batch.records()].map(({ key, value }) => `${key}=${value}`),
      }));
    });
  }

  /** Below this everything has reached the disk, as the checkpoint file says. */
  recoveryPoint(): number {
    return this.#checkpoint('recovery-point-offset-checkpoint');
  }

  logStart(): number {
    return this.#checkpoint('log-start-offset-checkpoint');
  }

  #checkpoint(file: string): number {
    const lines = readFileSync(join(this.directory, '..', file), 'utf8').split('\n');
    const line = lines.find((text) => text.startsWith(`${this.name} 0 `));
    return line === undefined ? -1 : Number(line.split(' ')[2]);
  }
}

/** No batch at all. */
const NOTHING = Buffer.alloc(0);
