/** `npm start` as a newcomer meets it: processes that can be killed, and every command it proposes works. */
import { freePorts } from '../support/free-ports.ts';
import { cleanUp, newFolder, run, type Server, startServer } from './processes.ts';

let lab: Server;
let bootstrap = '';

beforeAll(async () => {
  const [zookeeperPort, port] = await freePorts(4);
  bootstrap = `127.0.0.1:${port}`;
  lab = startServer('node', [
    'bin/barnabas',
    'up',
    ...['--port', String(port), '--zookeeper-port', String(zookeeperPort), '--data', newFolder()],
  ]);
  await lab.says(/Ctrl-C stops the cluster/);
});

afterAll(async () => {
  await lab?.end('SIGTERM');
  await cleanUp();
});

const tool = (name: string, args: readonly string[], input = '') =>
  run(`bin/${name}`, ['--bootstrap-server', bootstrap, ...args], input);

test('a topic is made, written to and read, and a broker may die', async () => {
  const topic = ['--topic', 'letters'];
  const created = await tool('kafka-topics', [
    ...['--create', ...topic, '--partitions', '3', '--replication-factor', '3'],
  ]);
  expect(created).toMatchObject({ code: 0, stdout: 'Created topic letters.\n' });
  expect(
    await tool('kafka-console-producer', [...topic, '--request-timeout-ms', '30000'], 'hello\n'),
  ).toMatchObject({ code: 0 });
  const read = await tool('kafka-console-consumer', [
    ...[...topic, '--from-beginning', '--max-messages', '1', '--timeout-ms', '60000'],
  ]);
  expect(read.stdout).toBe('hello\n');

  const pid = Number(/broker 3 +\d+ +(\d+)/.exec(lab.output)?.[1]);
  process.kill(pid, 'SIGKILL');
  await lab.says(/broker 3 has ended \(SIGKILL\)/);
  const described = await tool('kafka-topics', ['--describe', ...topic]);
  expect(described.code).toBe(0);
  expect(described.stdout).toContain('PartitionCount: 3');
});
