/** Log directories change hands between Barnabas and Apache Kafka, after a clean end and after kill -9. */
import {
  awaitPartitions,
  type Kind,
  kafkaOf,
  type MixedCluster,
  startMixedCluster,
} from './clusters.ts';
import { cleanUp, run } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const COUNT = 2_000;

describeWith('APACHE_KAFKA', 'log directories', () => {
  afterEach(cleanUp);

  const tool = (name: string, cluster: MixedCluster, args: readonly string[], input = '') =>
    run(
      commandOf('APACHE_KAFKA'),
      [name, '--bootstrap-server', cluster.bootstrapServers, ...args],
      input,
    );

  const read = async (cluster: MixedCluster, group: string, count: number): Promise<string[]> => {
    const { stdout } = await tool('console-consumer', cluster, [
      ...['--topic', 'moved', '--group', group, '--from-beginning'],
      ...['--max-messages', String(count), '--timeout-ms', '60000'],
    ]);
    return stdout.trimEnd().split('\n');
  };

  test.each<[Kind, Kind, NodeJS.Signals]>([
    ['barnabas', 'apache', 'SIGTERM'],
    ['barnabas', 'apache', 'SIGKILL'],
    ['apache', 'barnabas', 'SIGTERM'],
    ['apache', 'barnabas', 'SIGKILL'],
  ])(
    'what %s wrote, %s serves (after %s)',
    async (writer, reader, signal) => {
      const cluster = await startMixedCluster('barnabas', [writer]);
      const kafka = kafkaOf(cluster.bootstrapServers);
      const create = ['--create', '--topic', 'moved', '--partitions', '1'];
      await tool('topics', cluster, [...create, '--config', 'segment.bytes=20000']);
      const expected: string[] = [];
      for (const codec of CODECS) {
        const values = Array.from({ length: COUNT }, (_, index) => `${codec}-${index}`);
        expected.push(...values);
        const settings = [
          ...['--producer-property', 'batch.size=4000', '--compression-codec', codec],
          ...['--request-timeout-ms', '30000'],
        ];
        const input = values.map((value) => `${value}\n`).join('');
        await tool('console-producer', cluster, ['--topic', 'moved', ...settings], input);
      }
      expect(await read(cluster, 'moved', 100)).toEqual(expected.slice(0, 100));

      await cluster.brokers.get(1)?.end(signal);
      await cluster.restart(1, reader);
      await awaitPartitions(kafka, 'moved', (all) => all.every(({ leader }) => leader === 1));
      expect(await read(cluster, 'anew', expected.length)).toEqual(expected);
      const { stdout } = await tool('get-offsets', cluster, ['--topic', 'moved']);
      expect(stdout).toBe(`moved:0:${expected.length}\n`);
      const groups = await tool('consumer-groups', cluster, ['--describe', '--group', 'moved']);
      expect(groups.stdout).toMatch(/^moved +moved +0 +100 /m);
    },
    300_000,
  );
});
