/**
 * Every setting of a topic that has an effect in this broker, and the broker's setting behind it,
 * changed while the topic is in use; and the settings by which the broker looks after its logs.
 * Not here: throttled replicas (quotas) and tiered storage, which a broker with ZooKeeper and
 * without that storage refuses; message.format.version, which has no effect from 3.0 on.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { throwFirst } from '../../../client/index.ts';
import { realSystem } from '../../../system/system.ts';
import { type Cluster, startCluster } from '../../../tools/cluster.ts';
import { configChangesZnode } from '../../../zookeeper/config-znodes.ts';
import { connectWireClient } from '../../../zookeeper/wire-client.ts';
import { until } from '../../integration/waiting.ts';
import { type Effect, effects, HOUR_MS, ok, refusesTime, TEXT } from './effects.ts';
import { type Admin, adminOf, alter, LiveTopic } from './live-topic.ts';

/** The settings by which a broker looks after its logs, so that a test need not wait for it. */
const BUSY = {
  'log.retention.check.interval.ms': '20',
  'log.initial.task.delay.ms': '0',
  'log.flush.scheduler.interval.ms': '20',
  'log.flush.interval.ms': '9223372036854775807',
  'log.flush.offset.checkpoint.interval.ms': '20',
  'log.flush.start.offset.checkpoint.interval.ms': '20',
  'log.cleaner.backoff.ms': '20',
  'log.cleaner.dedupe.buffer.size': '2097152',
  'transaction.state.log.num.partitions': '1',
};

describe('a broker that is in use', () => {
  let cluster: Cluster;
  let admin: Admin;
  const topics: LiveTopic[] = [];

  beforeAll(async () => {
    cluster = await startCluster({ brokers: 1, config: BUSY });
    admin = adminOf(cluster);
  }, 30_000);

  afterEach(() => {
    for (const topic of topics.splice(0)) topic.close();
  });

  afterAll(async () => {
    admin.close();
    await cluster.stop();
  });

  const check = async (
    effect: Effect,
    where: { readonly type: 'topic' | 'broker'; readonly name: string },
    setting: string,
  ): Promise<void> => {
    const name = `${setting}-${where.type}${where.type === 'broker' ? where.name : ''}`;
    const topic = await LiveTopic.create(cluster, name, effect.given);
    topics.push(topic);
    const resource = where.type === 'topic' ? { ...where, name } : where;
    if (effect.neutral !== undefined) {
      const { topicConfigs } = cluster.broker(1).parts.services;
      const inForce = (): string => JSON.stringify(topicConfigs.known(name));
      const before = inForce();
      await alter(admin, resource, { [setting]: effect.neutral });
      await until('the first setting', () => inForce() !== before);
    }
    expect(await effect.shows(topic)).toBe(false);
    await alter(admin, resource, { [setting]: effect.value });
    try {
      await until(`${setting} shows`, () => effect.shows(topic), 20_000);
    } finally {
      await alter(admin, resource, { [setting]: null });
    }
  };

  test.each(effects)('$topicSetting of a topic takes effect', async (effect) => {
    await check(effect, { type: 'topic', name: '' }, effect.topicSetting);
  });

  test.each(effects)('$brokerSetting for all brokers takes effect', async (effect) => {
    await check(effect, { type: 'broker', name: '' }, effect.brokerSetting);
  });

  test.each(effects)('$brokerSetting for one broker takes effect', async (effect) => {
    await check(effect, { type: 'broker', name: '1' }, effect.brokerSetting);
  });

  test('a deleted topic stays for log.segment.delete.delay.ms', async () => {
    const leftovers = (): string[] =>
      readdirSync(dirname(topic.directory)).filter((name) => name.endsWith('-delete'));
    let topic = await LiveTopic.create(cluster, 'kept');
    topics.push(topic);
    throwFirst(await admin.deleteTopics(['kept']));
    await until('renamed', () => leftovers().length === 1);
    const resource = { type: 'broker', name: '' } as const;
    await alter(admin, resource, { 'log.segment.delete.delay.ms': '0' });
    const { logs } = cluster.broker(1).parts.services.replicas;
    await until('the change', () => logs.config.default.fileDeleteDelayMs === 0);
    topic = await LiveTopic.create(cluster, 'gone');
    topics.push(topic);
    throwFirst(await admin.deleteTopics(['gone']));
    await until('removed', () => !existsSync(topic.directory) && leftovers().length === 1);
    await alter(admin, resource, { 'log.segment.delete.delay.ms': null });
  });

  test('the start of a log is noted in its file', async () => {
    const topic = await LiveTopic.create(cluster, 'trimmed');
    topics.push(topic);
    await ok(topic, [{}, {}, {}]);
    await admin.deleteRecords([{ topic: 'trimmed', partition: 0, offset: 2 }]);
    await until('a checkpoint', () => topic.logStart() === 2);
  });
});

test('what was set before a restart counts after it', async () => {
  const cluster = await startCluster({ brokers: 1, config: BUSY });
  try {
    const settings = { 'segment.index.bytes': '240', 'max.message.bytes': '100' };
    (await LiveTopic.create(cluster, 't', settings)).close();
    (await LiveTopic.create(cluster, 'u')).close();
    const admin = adminOf(cluster);
    await alter(
      admin,
      { type: 'broker', name: '' },
      { 'log.index.size.max.bytes': '480', 'log.message.timestamp.after.max.ms': '1000' },
    );
    admin.close();
    await cluster.shutDown(1);
    // A change that is announced still would be applied anyway.
    await forgetAnnouncements(cluster);
    await cluster.restart(1);
    const [t, u] = [await LiveTopic.open(cluster, 't'), await LiveTopic.open(cluster, 'u')];
    expect([t.sizeOf('.index'), u.sizeOf('.index')]).toEqual([240, 480]);
    expect((await t.produce([{ value: TEXT }])).errorCode).toBe(10);
    expect(await refusesTime(-HOUR_MS)(u)).toBe(true);
    t.close();
    u.close();
  } finally {
    await cluster.stop();
  }
}, 30_000);

test('unclean leader election is switched on for a topic, and for all brokers', async () => {
  const cluster = await startCluster({ brokers: 2, config: BUSY });
  try {
    let admin = adminOf(cluster);
    const assignments = new Map([[0, [1, 2]]]);
    throwFirst(
      await admin.createTopics([
        { name: 'own', assignments },
        { name: 'inherited', assignments },
      ]),
    );
    const leaders = async (): Promise<number[]> =>
      (await admin.describeTopics(['own', 'inherited'])).map(
        ({ partitions }) => partitions[0]?.leaderId ?? -1,
      );
    await until('leaders', async () => (await leaders()).join() === '1,1');
    await cluster.shutDown(2);
    const isrs = async (): Promise<string> =>
      (await admin.describeTopics(['own', 'inherited']))
        .map(({ partitions }) => partitions[0]?.isr.join())
        .join(' ');
    await until('shrunk ISRs', async () => (await isrs()) === '1 1');
    const own = await LiveTopic.open(cluster, 'own');
    expect((await own.produce()).errorCode).toBe(0);
    await alter(admin, { type: 'topic', name: 'own' }, { 'min.insync.replicas': '2' });
    await until('too few', async () => (await own.produce()).errorCode === 19);
    own.close();
    admin.close();
    cluster.kill(1);
    await cluster.restart(2);
    admin = adminOf(cluster);
    await until('a controller', () => cluster.controllerId === 2);
    await until('no leaders', async () => (await leaders()).join() === '-1,-1');
    const enable = { 'unclean.leader.election.enable': 'true' };
    await alter(admin, { type: 'topic', name: 'own' }, enable);
    await until('a leader of one', async () => (await leaders()).join() === '2,-1');
    await alter(admin, { type: 'broker', name: '' }, enable);
    await until('a leader of both', async () => (await leaders()).join() === '2,2');
    admin.close();
  } finally {
    await cluster.stop();
  }
}, 60_000);

/** The news of changes that brokers keep for a while. */
const forgetAnnouncements = async ({ zookeeperConnect }: Cluster): Promise<void> => {
  const zookeeper = await connectWireClient(realSystem(), {
    connectString: zookeeperConnect,
    sessionTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
  });
  const { children } = await zookeeper.getChildren(configChangesZnode.path);
  for (const name of children) await zookeeper.delete(`${configChangesZnode.path}/${name}`);
  await zookeeper.close();
};
