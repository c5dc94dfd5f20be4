/** Apache Kafka's Java producer and consumer, through its verifiable and measuring tools, while a broker is killed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitPartitions, kafkaOf, type MixedCluster, startMixedCluster } from './clusters.ts';
import { cleanUp, newFolder, type Outcome, pause, run } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

describeWith('APACHE_KAFKA', 'the Java clients', () => {
  let cluster: MixedCluster;

  beforeAll(async () => {
    cluster = await startMixedCluster('barnabas', ['barnabas', 'barnabas', 'barnabas']);
  });

  afterAll(cleanUp);

  const tool = (name: string, args: readonly string[]): Promise<Outcome> =>
    run(commandOf('APACHE_KAFKA'), [name, ...args]);

  const where = (): string[] => ['--bootstrap-server', cluster.bootstrapServers];

  const create = (topic: string): Promise<Outcome> =>
    tool('topics', [
      ...[...where(), '--create', '--topic', topic, '--partitions', '3'],
      ...['--replication-factor', '3', '--config', 'min.insync.replicas=2'],
    ]);

  const events = (text: string): { readonly name: string; readonly value?: string }[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));

  test('what the producer calls acknowledged is there, though a leader was killed', async () => {
    await create('java-kills');
    const settings = join(newFolder(), 'producer.properties');
    writeFileSync(settings, 'retries=2147483647\nenable.idempotence=true\n');
    const producing = tool('verifiable-producer', [
      ...[...where(), '--topic', 'java-kills', '--acks', '-1', '--throughput', '2000'],
      ...['--max-messages', '20000', '--producer.config', settings],
    ]);
    const kafka = kafkaOf(cluster.bootstrapServers);
    const admin = kafka.admin();
    await admin.connect();
    let written = 0;
    while (written < 5_000) {
      await pause(50);
      // A broker that has not yet heard that it leads is asked again.
      const offsets = await admin.fetchTopicOffsets('java-kills').catch(() => []);
      written = offsets.reduce((sum, { high }) => sum + Number(high), 0);
    }
    await admin.disconnect();
    await cluster.brokers.get(2)?.end('SIGKILL');
    await cluster.restart(2);
    const sent = events((await producing).stdout)
      .filter(({ name }) => name === 'producer_send_success')
      .map(({ value }) => Number(value));
    expect(sent).toHaveLength(20_000);
    await awaitPartitions(kafka, 'java-kills', (all) => all.every(({ isr }) => isr.length === 3));

    const { stdout } = await tool('verifiable-consumer', [
      ...[...where(), '--topic', 'java-kills', '--group-id', 'kills', '--verbose'],
      ...['--max-messages', '20000', '--reset-policy', 'earliest'],
    ]);
    const read = events(stdout)
      .filter(({ name }) => name === 'record_data')
      .map(({ value }) => Number(value));
    expect(read).toHaveLength(20_000);
    expect(new Set(read)).toEqual(new Set(sent));
    for (const id of cluster.brokers.keys())
      for (const partition of [0, 1, 2])
        expect(segmentOf(id, partition)).toEqual(segmentOf(1, partition));
  });

  const segmentOf = (brokerId: number, partition: number): Buffer =>
    readFileSync(
      `${cluster.folder}/broker-${brokerId}/data/java-kills-${partition}/${'0'.repeat(20)}.log`,
    );

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'the tools measure with %s',
    async (codec) => {
      const topic = `java-${codec}`;
      await create(topic);
      const servers = `bootstrap.servers=${cluster.bootstrapServers}`;
      const produced = await tool('producer-perf-test', [
        ...[
          '--topic',
          topic,
          '--num-records',
          '5000',
          '--record-size',
          '100',
          '--throughput',
          '-1',
        ],
        ...['--producer-props', servers, 'acks=all', `compression.type=${codec}`],
      ]);
      expect(produced.stdout).toMatch(/^5000 records sent/m);
      const consumed = await tool('consumer-perf-test', [
        ...[...where(), '--topic', topic, '--messages', '5000', '--timeout', '60000'],
      ]);
      expect(consumed.stdout.trim().split('\n').at(-1)?.split(', ')[4]).toBe('5000');
    },
  );

  test('every broker tells the Java admin the versions of a 3.9 broker', async () => {
    const { stdout } = await tool('broker-api-versions', where());
    expect(stdout.match(/\(id: \d rack: null\) -> \(/g)).toHaveLength(3);
    expect(stdout).toContain('Fetch(1): 0 to 17 [usable: 17]');
    expect(stdout).toContain('DescribeQuorum(55): UNSUPPORTED');
  });

  test('records are deleted, directories and groups described', async () => {
    const file = join(newFolder(), 'offsets.json');
    const partitions = [{ topic: 'java-none', partition: 0, offset: 10 }];
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    const deleted = await tool('delete-records', [...where(), '--offset-json-file', file]);
    expect(deleted.stdout).toContain('partition: java-none-0\tlow_watermark: 10');
    const earliest = await tool('get-offsets', [
      ...[...where(), '--topic', 'java-none', '--time', 'earliest'],
    ]);
    expect(earliest.stdout).toContain('java-none:0:10\n');
    const described = await tool('log-dirs', [
      ...[...where(), '--describe', '--topic-list', 'java-none'],
    ]);
    expect(described.stdout).toContain('"partition":"java-none-0"');
    const groups = await tool('consumer-groups', [...where(), '--list', '--state']);
    expect(groups.stdout).toMatch(/^kills +Empty/m);
  });
});
