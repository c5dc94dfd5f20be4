/**
 * A load on one topic of a cluster of processes, and what can be done to the cluster meanwhile. Whatever was done, `finish`
 * compares what the producer was told with what every replica holds.
 */
import { createTopic, describeTopic, Oracle, readEverything, untilInSync } from './oracle.ts';
import type { ProcessCluster } from './processes.ts';
import { until } from './waiting.ts';
import type { Load, StartLoad } from './workload.ts';

export interface TrialOptions {
  readonly cluster: ProcessCluster;
  readonly startLoad: StartLoad;
  readonly topic?: string;
  readonly partitionCount?: number;
}

const PROGRESS_MS_MAX = 60_000;

export class Trial {
  readonly cluster: ProcessCluster;
  readonly topic: string;
  readonly oracle = new Oracle();
  readonly #load: Load;

  private constructor({ cluster, startLoad, topic = 't', partitionCount = 3 }: TrialOptions) {
    const { oracle } = this;
    const { bootstrapServers } = cluster;
    this.cluster = cluster;
    this.topic = topic;
    this.#load = startLoad({ bootstrapServers, topic, partitionCount, oracle });
  }

  /** Creates the topic with three replicas and starts the load on it. */
  static async start(options: TrialOptions): Promise<Trial> {
    const { cluster, topic = 't', partitionCount = 3 } = options;
    await createTopic(cluster.bootstrapServers, topic, partitionCount);
    await untilInSync(cluster.bootstrapServers, topic);
    return new Trial(options);
  }

  /** Resolves when `count` more records have been acknowledged. */
  async progress(count = 300): Promise<void> {
    const { acknowledged, failures } = this.oracle;
    const wanted = acknowledged.length + count;
    await until(
      `${count} more acknowledgements`,
      () => acknowledged.length >= wanted || failures.length > 0,
      PROGRESS_MS_MAX,
    );
    if (failures[0] !== undefined) throw failures[0];
  }

  /** kill -9 of the first partition's leader; resolves to its id when another replica of the ISR leads. */
  async killLeader(): Promise<number> {
    const { leaderId, isr } = await this.leader();
    await this.cluster.kill(leaderId);
    const next = await this.untilLedByAnother(leaderId);
    if (!isr.includes(next)) throw new Error(`new leader ${next} was not in the ISR ${isr}`);
    return leaderId;
  }

  /** kill -9 of the controller's broker; resolves to its id when there is another controller. */
  async killController(): Promise<number> {
    const { cluster } = this;
    const controllerId = await cluster.controllerId();
    await cluster.kill(controllerId);
    await until('another controller', async () => {
      const next = await cluster.controllerId();
      return next >= 0 && next !== controllerId;
    });
    return controllerId;
  }

  /** Resolves to the id of the first partition's leader, once it is another than `leaderId`. */
  untilLedByAnother(leaderId: number): Promise<number> {
    return until(`a leader other than ${leaderId}`, async () => {
      const [now] = await describeTopic(this.cluster.bootstrapServers, this.topic);
      return now !== undefined && now.leaderId >= 0 && now.leaderId !== leaderId
        ? now.leaderId
        : null;
    });
  }

  async untilInSync(): Promise<void> {
    await untilInSync(this.cluster.bootstrapServers, this.topic);
  }

  /** Stops the load; throws unless nothing has failed and all that was acknowledged is on every replica, once, in order. */
  async finish(): Promise<void> {
    await this.#load.stop();
    const [failure] = this.oracle.failures;
    if (failure !== undefined) throw failure;
    this.oracle.check(await readEverything(this.cluster.bootstrapServers, this.topic));
  }

  /** The first partition as it is when all replicas are in sync. */
  async leader() {
    const [partition] = await untilInSync(this.cluster.bootstrapServers, this.topic);
    if (partition === undefined) throw new Error(`${this.topic} has no partitions`);
    return partition;
  }
}
