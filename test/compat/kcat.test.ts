/** librdkafka, through kcat, against a cluster of real processes. */
import {
  awaitLeaders,
  kafkaOf,
  type MixedCluster,
  PATIENT,
  startMixedCluster,
} from './clusters.ts';
import { cleanUp, type Outcome, run } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

describeWith('KCAT', 'kcat', () => {
  let cluster: MixedCluster;

  beforeAll(async () => {
    cluster = await startMixedCluster('barnabas', ['barnabas', 'barnabas', 'barnabas']);
  });

  afterAll(cleanUp);

  const kcat = (args: readonly string[], input = ''): Promise<Outcome> =>
    run(commandOf('KCAT'), ['-b', cluster.bootstrapServers, ...args], input);

  /** Writes to the topic, which is made by that; the next kcat may ask another broker, and asks only once. */
  const produce = async (topic: string, args: readonly string[], input: string): Promise<void> => {
    expect(await kcat(['-P', '-t', topic, ...args], input)).toMatchObject({ code: 0 });
    await awaitLeaders(cluster.bootstrapServers, topic);
  };

  const lines = (count: number): string =>
    Array.from({ length: count }, (_, index) => `line ${index}\n`).join('');

  test('lists brokers', async () => {
    const { code, stdout } = await kcat(['-L']);
    expect(code).toBe(0);
    expect(stdout).toContain(' 3 brokers:');
    expect(stdout).toContain('(controller)');
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'produces with acks=all and codec %s, and reads it again',
    async (codec) => {
      const topic = `kcat-${codec}`;
      const settings = ['-X', 'acks=all', '-X', 'enable.idempotence=true'];
      await produce(topic, ['-z', codec, ...settings], lines(1_000));
      const { code, stdout } = await kcat(['-C', '-t', topic, '-o', 'beginning', '-e', '-q']);
      expect(code).toBe(0);
      expect(stdout.split('\n').toSorted()).toEqual(lines(1_000).split('\n').toSorted());
    },
  );

  test('100,000 records come to a group once each, in order per partition', async () => {
    const admin = kafkaOf(cluster.bootstrapServers).admin();
    await admin.connect();
    await admin.createTopics({
      topics: [{ topic: 'kcat-many', numPartitions: 3, replicationFactor: 3 }],
      ...PATIENT,
    });
    await admin.disconnect();
    const count = 100_000;
    const numbers = Array.from({ length: count }, (_, index) => String(index));
    const settings = ['-X', 'acks=all', '-X', 'enable.idempotence=true'];
    const input = numbers.map((number) => `${number}:${number}\n`).join('');
    await produce('kcat-many', ['-K:', ...settings], input);
    const group = ['-G', 'many', '-c', String(count), '-q', '-X', 'auto.offset.reset=earliest'];
    const { stdout } = await kcat([...group, '-f', '%p %s\n', 'kcat-many']);
    const read = stdout.trimEnd().split('\n');
    expect(new Set(read.map((line) => line.split(' ')[1]))).toEqual(new Set(numbers));
    expect(read).toHaveLength(count);
    for (const partition of ['0', '1', '2']) {
      const values = read
        .filter((line) => line.startsWith(`${partition} `))
        .map((line) => Number(line.split(' ')[1]));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
  });

  test('keys, headers and timestamps come back', async () => {
    await produce('kcat-keys', ['-p', '0', '-K:', '-H', 'origin=harbour'], 'a:1\nb:2\n');
    const format = '%k=%s %h %o\n';
    const { stdout } = await kcat(['-C', '-t', 'kcat-keys', '-e', '-q', '-f', format]);
    expect(stdout).toBe('a=1 origin=harbour 0\nb=2 origin=harbour 1\n');
  });

  test('a group takes the topic, and begins anew behind what it has committed', async () => {
    await produce('kcat-group', ['-p', '0'], lines(10));
    const settings = ['-X', 'auto.offset.reset=earliest', '-q'];
    const first = await kcat(['-G', 'harbour', '-c', '10', ...settings, 'kcat-group']);
    expect(first.stdout).toBe(lines(10));
    await produce('kcat-group', ['-p', '0'], 'one more\n');
    const second = await kcat(['-G', 'harbour', '-c', '1', ...settings, 'kcat-group']);
    expect(second.stdout).toBe('one more\n');
  });
});
