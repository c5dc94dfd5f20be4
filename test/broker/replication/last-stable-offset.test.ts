/** What read_committed consumers see behind transactions that had ended before a restart, or before the log was cut. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildEndTransactionMarker } from '../../../protocol/control-record.ts';
import { buildBatch } from '../../../protocol/record-batch.ts';
import { ReplicaCluster } from './replica-cluster.ts';

const producer = { producerId: 7, producerEpoch: 0 };
/** Writes a transaction of one record, and its end. */
const transaction = (cluster: ReplicaCluster, id: number) => {
  const { log, state } = cluster.broker(id).replica();
  const { leaderEpoch } = state;
  const records = buildBatch({
    ...producer,
    baseSequence: 0,
    isTransactional: true,
    timestamp: 1_700_000_000_000,
    records: [{ key: null, value: Buffer.from('a') }],
  });
  const marker = buildEndTransactionMarker({
    ...producer,
    coordinatorEpoch: 0,
    isCommit: true,
    timestamp: 1_700_000_000_000,
  });
  return Promise.all([
    log.appendAsLeader(records, { leaderEpoch, origin: 'client' }),
    log.appendAsLeader(marker, { leaderEpoch, origin: 'coordinator' }),
  ]);
};

test('a transaction that ended below the high watermark is visible after a crash', async () => {
  const cluster = await ReplicaCluster.start({ brokerCount: 1 });
  await cluster.decide({ leader: 1, epoch: 1 });
  await transaction(cluster, 1);
  const before = cluster.broker(1).replica();
  expect([before.state.highWatermark, before.lastStableOffset]).toEqual([2, 2]);
  await cluster.broker(1).replicas.checkpointHighWatermarks();
  // The process dies: what is on the disk now is all there is.
  const copy = mkdtempSync(join(tmpdir(), 'barnabas-crash-'));
  cpSync(cluster.directories.get(1)?.[0] as string, copy, { recursive: true });
  await cluster.kill(1);
  cluster.directories.set(1, [copy]);
  await cluster.startBroker(1);
  await cluster.decide({ leader: 1, epoch: 2, isNew: false });
  const after = cluster.broker(1).replica();
  expect([after.state.highWatermark, after.log.logEndOffset]).toEqual([2, 2]);
  expect(after.lastStableOffset).toBe(2);
  await cluster.stop();
  rmSync(copy, { recursive: true });
});

test('a transaction below a cut is visible on the follower, and when it is elected', async () => {
  const cluster = await ReplicaCluster.start({ brokerCount: 2 });
  await cluster.decide({ leader: 1, epoch: 1 });
  await transaction(cluster, 1);
  await cluster.converge();
  // Broker 2 leads, writes what nobody gets, and follows again.
  await cluster.decide({ leader: 2, epoch: 2 }, [2]);
  await cluster.broker(2).write('lost');
  await cluster.decide({ leader: 1, epoch: 3 });
  await cluster.converge();
  const follower = cluster.broker(2).replica();
  expect([follower.state.highWatermark, follower.log.logEndOffset]).toEqual([2, 2]);
  expect(follower.lastStableOffset).toBe(2);
  await cluster.stop();
});
