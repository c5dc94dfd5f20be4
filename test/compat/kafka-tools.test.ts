/** Apache Kafka's own tools, and the Java clients in them, against a cluster of ours. */
import { awaitGone, kafkaOf, type MixedCluster, startMixedCluster } from './clusters.ts';
import { cleanUp, type Outcome, run } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

describeWith('APACHE_KAFKA', "Apache Kafka's tools", () => {
  let cluster: MixedCluster;

  beforeAll(async () => {
    cluster = await startMixedCluster('barnabas', ['barnabas', 'barnabas', 'barnabas']);
  });

  afterAll(cleanUp);

  const tool = async (name: string, args: readonly string[], input = ''): Promise<Outcome> => {
    const where = ['--bootstrap-server', cluster.bootstrapServers];
    return run(commandOf('APACHE_KAFKA'), [name, ...where, ...args], input);
  };

  const create = (topic: string, partitions = 3): Promise<Outcome> =>
    tool('topics', [
      ...['--create', '--topic', topic, '--partitions', String(partitions)],
      ...['--replication-factor', '3', '--config', 'min.insync.replicas=2'],
    ]);

  test('kafka-topics creates, describes, lists and deletes', async () => {
    expect(await create('tools-topics')).toMatchObject({
      code: 0,
      stdout: 'Created topic tools-topics.\n',
    });
    const described = await tool('topics', ['--describe', '--topic', 'tools-topics']);
    expect(described.stdout).toMatch(/PartitionCount: 3\tReplicationFactor: 3\tConfigs: .*min/);
    const again = await create('tools-topics');
    expect(again.code).toBe(1);
    expect(again.stdout).toContain("Topic 'tools-topics' already exists.");
    await tool('topics', ['--delete', '--topic', 'tools-topics']);
    const admin = kafkaOf(cluster.bootstrapServers).admin();
    await admin.connect();
    await awaitGone(admin, 'tools-topics');
    await admin.disconnect();
    const listed = await tool('topics', ['--list', '--exclude-internal']);
    expect(listed.stdout).not.toContain('tools-topics');
  });

  test('the console tools send and read, with a group whose offsets show', async () => {
    await create('tools-console', 1);
    const to = ['--topic', 'tools-console', '--request-timeout-ms', '30000'];
    const produced = await tool('console-producer', to, 'a\nb\nc\n');
    expect(produced.code).toBe(0);
    const consumed = await tool('console-consumer', [
      ...['--topic', 'tools-console', '--from-beginning', '--max-messages', '3'],
      ...['--group', 'tools', '--timeout-ms', '60000'],
    ]);
    expect(consumed.stdout).toBe('a\nb\nc\n');
    const { stdout } = await tool('consumer-groups', ['--describe', '--group', 'tools']);
    expect(stdout).toMatch(/tools +tools-console +0 +3 +3 +0 /);
  });

  test('kafka-configs changes a topic, and kafka-topics shows it', async () => {
    await create('tools-configs', 1);
    const entity = ['--entity-type', 'topics', '--entity-name', 'tools-configs'];
    const args = ['--alter', ...entity, '--add-config', 'retention.ms=60000'];
    expect(await tool('configs', args)).toMatchObject({ code: 0 });
    const { stdout } = await tool('configs', ['--describe', ...entity]);
    expect(stdout).toContain('retention.ms=60000');
  });

  test('kafka-leader-election and kafka-get-offsets answer', async () => {
    await create('tools-offsets', 1);
    const to = ['--topic', 'tools-offsets', '--request-timeout-ms', '30000'];
    await tool('console-producer', to, 'a\nb\n');
    const offsets = await tool('get-offsets', ['--topic', 'tools-offsets']);
    expect(offsets.stdout).toBe('tools-offsets:0:2\n');
    const elected = await tool('leader-election', [
      ...['--election-type', 'preferred', '--all-topic-partitions'],
    ]);
    expect(elected.code).toBe(0);
  });
});
