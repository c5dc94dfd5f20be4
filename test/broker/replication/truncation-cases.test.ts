/** The ways in which Kafka's replicas have lost records or come to differ (replication sheet §21.1-21.2), as tests. */
import { apis } from '../../../protocol/apis.ts';
import type { Disk, DiskFile } from '../../../system/disk.ts';
import { ReplicaCluster } from './replica-cluster.ts';

let cluster: ReplicaCluster;

afterEach(() => cluster.stop());

describe('KIP-101', () => {
  test('a follower that restarts before it hears of a commit keeps the record', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 2, epoch: 0 });
    const [a, b] = [cluster.broker(1), cluster.broker(2)];
    await b.write('m1');
    await cluster.converge();
    // The answer that tells A of the high watermark does not arrive.
    cluster.onAnswer = async (_from, _to, api) => {
      if (api === apis.fetch && b.replica().state.highWatermark === 2) await new Promise(() => {});
    };
    await b.write('m2');
    await cluster.pass(() => b.replica().state.highWatermark === 2, 'the commit of m2');
    expect(a.replica().state.highWatermark).toBe(1);
    await cluster.kill(1);
    cluster.onAnswer = () => {};
    const again = await cluster.startBroker(1);
    await cluster.decide({ leader: 2, epoch: 0, isNew: false }, [1]);
    await cluster.kill(2);
    await cluster.decide({ leader: 1, epoch: 1, isr: [1] });
    await again.write('m3');
    await cluster.startBroker(2);
    await cluster.decide({ leader: 1, epoch: 1, isr: [1] }, [2]);
    await cluster.converge();
    const expected = ['0:0:m1', '1:0:m2', '2:1:m3'];
    expect(await again.records()).toEqual(expected);
    expect(await cluster.broker(2).records()).toEqual(expected);
  });

  test('a former leader cuts what the new one never had, below its own high watermark', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 0 });
    const a = cluster.broker(1);
    await a.write('m1');
    await cluster.converge();
    await a.write('m2');
    await cluster.converge();
    // B loses power, and with it m2; A is down, too.
    await cluster.broker(2).fetchers.stop();
    await cluster.broker(2).replica().log.truncateTo(1);
    cluster.broker(2).replica().state.truncated(0, 1);
    await cluster.kill(1);
    await cluster.decide({ leader: 2, epoch: 1, isr: [2] });
    await cluster.broker(2).write('m3');
    const again = await cluster.startBroker(1);
    await cluster.decide({ leader: 2, epoch: 1, isr: [2] }, [1]);
    expect(again.replica().log.logEndOffset).toBe(2);
    await cluster.pass(
      () => again.replica().log.latestEpoch() === 1 && again.replica().log.logEndOffset === 2,
      'the copy of m3',
    );
    expect(await again.records()).toEqual(['0:0:m1', '1:1:m3']);
    expect(await cluster.broker(2).records()).toEqual(['0:0:m1', '1:1:m3']);
  });
});

describe('KIP-279', () => {
  test('after fast changes of the leader one comparison is not enough', async () => {
    cluster = await ReplicaCluster.start();
    await cluster.decide({ leader: 1, epoch: 0 });
    const [a, b] = [cluster.broker(1), cluster.broker(2)];
    await a.write('zero');
    await cluster.converge();
    // From here on nobody fetches until the end.
    let isCut = true;
    cluster.onAnswer = () => {
      if (isCut) throw new Error('cut off');
    };
    await cluster.decide({ leader: 2, epoch: 1 });
    await b.write('one of B');
    // B does not hear of epoch 2.
    await cluster.decide({ leader: 1, epoch: 2 }, [1]);
    await a.write('one of A');
    await cluster.decide({ leader: 2, epoch: 3 });
    await b.write('two of B');
    expect(await b.records()).toEqual(['0:0:zero', '1:1:one of B', '2:3:two of B']);
    expect(await a.records()).toEqual(['0:0:zero', '1:2:one of A']);
    isCut = false;
    await cluster.converge();
    expect(await a.records()).toEqual(await b.records());
  });

  test('logs do not differ after unclean elections back and forth', async () => {
    cluster = await ReplicaCluster.start();
    let isCut = false;
    cluster.onAnswer = () => {
      if (isCut) throw new Error('cut off');
    };
    await cluster.decide({ leader: 1, epoch: 0 });
    await cluster.broker(1).write('both');
    await cluster.converge();
    isCut = true;
    let epoch = 1;
    for (const [leader, count] of [
      [1, 1],
      [2, 3],
      [1, 1],
      [2, 2],
    ] as const) {
      await cluster.decide({ leader, epoch, isr: [leader] }, [leader]);
      for (let index = 0; index < count; index++)
        await cluster.broker(leader).write(`${leader} in ${epoch}, ${'x'.repeat(index * 10)}`);
      epoch += 1;
    }
    isCut = false;
    await cluster.decide({ leader: 1, epoch, isr: [1] });
    await cluster.broker(1).write('last');
    await cluster.converge();
    const [one, two] = await Promise.all([1, 2].map((id) => cluster.broker(id).records()));
    expect(two).toEqual(one);
    expect(one?.at(-1)).toContain('last');
  });
});

test('epochs without records do not keep a follower cutting for ever (KAFKA-10706)', async () => {
  cluster = await ReplicaCluster.start();
  await cluster.decide({ leader: 2, epoch: 4 });
  const [a, b] = [cluster.broker(1), cluster.broker(2)];
  await b.write('one');
  await cluster.converge();
  await cluster.decide({ leader: 1, epoch: 5 }, [1]);
  await cluster.decide({ leader: 2, epoch: 6 });
  await b.write('two');
  await cluster.converge();
  expect(a.replica().log.epochs.entries).toEqual(b.replica().log.epochs.entries);
  expect(await a.records()).toEqual(['0:4:one', '1:6:two']);
});

/** A disk whose large writes wait until the test lets them go. */
const heldDisk = () => {
  let letGo: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHolding = false;
  const held = (file: DiskFile): DiskFile => ({
    path: file.path,
    write: async (buffers, position) => {
      if (isHolding && file.path.endsWith('.log')) await released;
      await file.write(buffers, position);
    },
    writeSync: (buffers, position) => file.writeSync(buffers, position),
    read: (target, position) => file.read(target, position),
    readSync: (target, position) => file.readSync(target, position),
    size: () => file.size(),
    truncate: (size) => file.truncate(size),
    truncateSync: (size) => file.truncateSync(size),
    sync: () => file.sync(),
    close: () => file.close(),
  });
  const disk = (_: number, real: Disk): Disk => ({
    ...real,
    open: async (path, mode) => held(await real.open(path, mode)),
    openSync: (path, mode) => held(real.openSync(path, mode)),
  });
  const hold = (): void => {
    isHolding = true;
  };
  return { disk, hold, letGo };
};

test('records that are still being written when the epoch rises belong to the epoch before', async () => {
  const { disk, hold, letGo } = heldDisk();
  cluster = await ReplicaCluster.start({ disk });
  await cluster.decide({ leader: 1, epoch: 0 });
  const [a, b] = [cluster.broker(1), cluster.broker(2)];
  await a.write('zero');
  await cluster.converge();
  hold();
  const write = a.write('x'.repeat(300_000));
  await cluster.decide({ leader: 1, epoch: 1 });
  expect(a.replica().state.leaderEpoch).toBe(1);
  expect(a.replica().log.logEndOffset).toBe(1);
  letGo();
  await write;
  await a.write('two');
  await cluster.converge();
  const epochs = (records: readonly string[]) => records.map((text) => text.slice(0, 3));
  expect(epochs(await a.records())).toEqual(['0:0', '1:0', '2:1']);
  expect(await b.records()).toEqual(await a.records());
  expect(a.replica().log.epochs.entries.at(-1)).toEqual({ epoch: 1, startOffset: 2 });
});
