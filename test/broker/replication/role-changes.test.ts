import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelClosed } from '../../../network/errors.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { ZERO_UUID } from '../../../protocol/uuid.ts';
import type { Disk } from '../../../system/disk.ts';
import { ReplicaCluster, TOPIC, TOPIC_ID } from './replica-cluster.ts';

let cluster: ReplicaCluster;

afterEach(() => cluster.stop());

const metadataFile = (id: number): string => {
  const [directory = ''] = cluster.directories.get(id) ?? [];
  return readFileSync(join(directory, `${TOPIC}-0`, 'partition.metadata'), 'utf8');
};

describe('LeaderAndIsr', () => {
  test('the same decision again, or an older one, is refused and changes nothing', async () => {
    cluster = await ReplicaCluster.start();
    expect(await cluster.decide({ leader: 1, epoch: 3 })).toEqual([0, 0]);
    const stale = errorCodes.STALE_CONTROLLER_EPOCH;
    expect(await cluster.decide({ leader: 2, epoch: 3, partitionEpoch: 9 })).toEqual([
      stale,
      stale,
    ]);
    expect(await cluster.decide({ leader: 2, epoch: 2 })).toEqual([stale, stale]);
    expect(cluster.broker(1).replica().state.isLeader).toBe(true);
  });

  test('another topic id is refused before the epoch is looked at', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 3 });
    const other = { leader: 1, epoch: 2, topicId: 'b3RoZXItdG9waWMtaWRzMQ' };
    const code = errorCodes.INCONSISTENT_TOPIC_ID;
    expect(await cluster.leaderAndIsr([other], 1)).toEqual([code]);
  });

  test('a decision that names this broker no replica is refused', async () => {
    cluster = await ReplicaCluster.start();
    const code = errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    expect(await cluster.decide({ leader: 2, epoch: 1, replicas: [2] }, [1])).toEqual([code]);
  });

  test('a topic id that comes without a new epoch is taken over (KAFKA-13132)', async () => {
    cluster = await ReplicaCluster.start({ topicId: ZERO_UUID });
    await cluster.decide({ leader: 1, epoch: 1 });
    await cluster.broker(1).write('by name');
    await cluster.converge();
    expect(await cluster.decide({ leader: 1, epoch: 1, topicId: TOPIC_ID })).toEqual([0, 0]);
    await cluster.broker(1).write('by id');
    await cluster.converge();
    for (const id of [1, 2]) {
      expect(cluster.broker(id).replica().topicId).toBe(TOPIC_ID);
      expect(metadataFile(id)).toContain(TOPIC_ID);
    }
    const last = cluster.asked.at(-1)?.body as { replicaState?: object };
    expect(last.replicaState).toBeDefined();
    expect(await cluster.broker(2).records()).toEqual(['0:1:by name', '1:1:by id']);
  });

  test('a topic id that comes with a new epoch is taken over', async () => {
    cluster = await ReplicaCluster.start({ topicId: ZERO_UUID });
    await cluster.decide({ leader: 1, epoch: 1 });
    await cluster.decide({ leader: 1, epoch: 2, topicId: TOPIC_ID });
    expect([1, 2].map((id) => cluster.broker(id).replica().topicId)).toEqual([TOPIC_ID, TOPIC_ID]);
  });

  test('a follower asks by name once its controller stops using ids', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 1 });
    await cluster.converge();
    const without = { leader: 1, epoch: 1, topicId: ZERO_UUID };
    expect(await cluster.leaderAndIsr([without], 2)).toEqual([0]);
    expect(await cluster.leaderAndIsr([without], 1)).toEqual([errorCodes.STALE_CONTROLLER_EPOCH]);
    await cluster.broker(1).write('one');
    await cluster.converge();
    expect(cluster.asked.at(-1)?.body).toMatchObject({ replicaId: 2 });
  });

  test('a follower whose leader is not alive keeps its epoch, so that the next decision counts', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 1 });
    expect(await cluster.decide({ leader: -1, epoch: 2 }, [1])).toEqual([0]);
    expect(cluster.broker(1).replica().state.leaderEpoch).toBe(1);
    expect(await cluster.decide({ leader: 2, epoch: 2 }, [1])).toEqual([0]);
    expect(cluster.broker(1).replica().state.leaderId).toBe(2);
  });

  test('a rise of the epoch ends the waits of acknowledgements only when the lead is lost', async () => {
    cluster = await ReplicaCluster.start();
    cluster.onAnswer = () => {
      throw new Error('cut off');
    };
    await cluster.decide({ leader: 1, epoch: 1 });
    let answered: unknown = null;
    const answer = cluster
      .broker(1)
      .produce(['a'])
      .then((result) => {
        answered = result;
      });
    await cluster.settle();
    await cluster.decide({ leader: 1, epoch: 2 });
    await cluster.settle();
    expect(answered).toBeNull();
    await cluster.decide({ leader: 2, epoch: 3 });
    await answer;
    expect(answered).toMatchObject({ errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER, baseOffset: 0 });
  });

  test('a log that cannot be made fails its own partition only', async () => {
    const disk = (_: number, real: Disk): Disk => ({
      ...real,
      makeDirectory: (path) =>
        path.endsWith('-1') ? Promise.reject(new Error('no')) : real.makeDirectory(path),
    });
    cluster = await ReplicaCluster.start({ brokerCount: 1, disk, logDirCount: 2 });
    const code = errorCodes.KAFKA_STORAGE_ERROR;
    const codes = await cluster.decide([
      { leader: 1, epoch: 1, partition: 0 },
      { leader: 1, epoch: 1, partition: 1 },
    ]);
    expect(codes.sort((a, b) => a - b)).toEqual([0, code]);
  });
});

describe('a log directory that has failed', () => {
  /** Broker 1 has two directories, of which the second cannot be opened. */
  const start = async (): Promise<void> => {
    let second = '';
    const disk = (id: number, real: Disk): Disk => ({
      ...real,
      makeDirectory: (path) => {
        second ||= cluster.directories.get(id)?.[1] ?? '';
        return path === second ? Promise.reject(new Error('broken')) : real.makeDirectory(path);
      },
      lock: (path) =>
        path.startsWith(cluster.directories.get(id)?.[1] ?? '?')
          ? Promise.reject(new Error('broken'))
          : real.lock(path),
    });
    cluster = new ReplicaCluster({ brokerCount: 1, disk, logDirCount: 2 });
    await cluster.startBroker(1);
  };

  test('a replica that may lie in it is not made anew, empty, somewhere else', async () => {
    await start();
    const code = errorCodes.KAFKA_STORAGE_ERROR;
    expect(await cluster.decide({ leader: 1, epoch: 1, isNew: false })).toEqual([code]);
    expect(await cluster.decide({ leader: 1, epoch: 2, isNew: true })).toEqual([code]);
    expect(cluster.broker(1).replicas.lookUp(TOPIC, 0)).toBe(code);
    expect(await cluster.stopReplica(1, { leaderEpoch: -2, deletes: true })).toBe(code);
  });

  test('a new replica goes to one that is left', async () => {
    await start();
    expect(await cluster.decide({ leader: 1, epoch: 1, isNew: true })).toEqual([0]);
  });
});

describe('StopReplica', () => {
  test('stops fetching and keeps the replica', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 1 });
    await cluster.broker(1).write('one');
    await cluster.converge();
    expect(await cluster.stopReplica(2, { leaderEpoch: 1, deletes: false })).toBe(0);
    await cluster.broker(1).write('two');
    await cluster.clock.advance(2000);
    expect(cluster.broker(2).replica().log.logEndOffset).toBe(1);
    expect(cluster.broker(2).replica().state.leaderEpoch).toBe(1);
  });

  test('of an older epoch is refused, of a topic that is deleted never (KAFKA-9539)', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 5 });
    const refused = await cluster.stopReplica(2, { leaderEpoch: 4, deletes: true });
    expect(refused).toBe(errorCodes.FENCED_LEADER_EPOCH);
    expect(await cluster.stopReplica(2, { leaderEpoch: -2, deletes: true })).toBe(0);
    expect(cluster.broker(2).replicas.get(TOPIC, 0)).toBeUndefined();
    expect(await cluster.stopReplica(2, { leaderEpoch: 9, deletes: true })).toBe(0);
  });

  test('answers whoever waits for the partition (KAFKA-9198)', async () => {
    cluster = await ReplicaCluster.start();
    cluster.onAnswer = () => {
      throw new Error('cut off');
    };
    await cluster.decide({ leader: 1, epoch: 1 });
    const answer = cluster.broker(1).produce(['a']);
    await cluster.settle();
    await cluster.stopReplica(1, { leaderEpoch: -2, deletes: true });
    expect(await answer).toMatchObject({ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION });
  });

  test('a partition that goes and comes back at once is followed again', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide([
      { leader: 1, epoch: 1, partition: 0 },
      { leader: 1, epoch: 1, partition: 1 },
    ]);
    await cluster.broker(1).write('one', 0);
    await cluster.converge(0);
    // The follower's request that waits at the leader knows nothing of it.
    await cluster.stopReplica(2, { leaderEpoch: -1, deletes: true, partition: 0 });
    await cluster.decide({ leader: 1, epoch: 2, partition: 0 });
    await cluster.converge(0);
    expect(await cluster.broker(2).records(0)).toEqual(['0:1:one']);
    await cluster.broker(1).write('two', 0);
    await cluster.converge(0);
    expect(await cluster.broker(2).records(0)).toEqual(['0:1:one', '1:2:two']);
  });
});

describe('a follower whose leader has deleted what it needs', () => {
  beforeEach(async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 1 });
    await cluster.broker(1).write('one');
    await cluster.converge();
    await cluster.stopReplica(2, { leaderEpoch: 1, deletes: false });
    for (const value of ['two', 'three']) await cluster.broker(1).write(value);
    await cluster.broker(1).replica().log.advanceLogStartOffset(2);
  });

  test('begins anew where the leader begins', async () => {
    await cluster.decide({ leader: 1, epoch: 2 });
    await cluster.converge();
    expect(await cluster.broker(2).records()).toEqual(['2:1:three']);
    expect(cluster.broker(2).replica().log.logStartOffset).toBe(2);
  });

  test('is free for another role while the leader does not answer (KAFKA-8012)', async () => {
    cluster.onAnswer = (_from, _to, api) =>
      api.name === 'ListOffsets' ? new Promise(() => {}) : undefined;
    await cluster.decide({ leader: 1, epoch: 2 });
    await cluster.settle();
    expect(cluster.asked.at(-1)?.api.name).toBe('ListOffsets');
    await cluster.decide({ leader: 2, epoch: 3 });
    expect(cluster.broker(2).replica().state.isLeader).toBe(true);
    expect(cluster.broker(2).replica().log.logEndOffset).toBe(1);
  });

  test('tries again when the connection breaks while it asks', async () => {
    let failures = 0;
    cluster.onAnswer = (_from, _to, api) => {
      if (api.name === 'ListOffsets' && failures++ < 2) throw new ChannelClosed('gone');
    };
    await cluster.decide({ leader: 1, epoch: 2 });
    await cluster.converge();
    expect(failures).toBeGreaterThan(2);
    expect(await cluster.broker(2).records()).toEqual(['2:1:three']);
  });
});
