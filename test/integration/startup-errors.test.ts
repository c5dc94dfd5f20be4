/**
 * Starts that must fail: every one a process of its own that ends with exit code 1 and one sentence that says what to do.
 * Runs the compiled programs (npm run build).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openChannel } from '../../network/request-channel.ts';
import { apis } from '../../protocol/apis.ts';
import { realSystem } from '../../system/system.ts';
import { type Cluster, startCluster } from '../../tools/cluster.ts';

jest.setTimeout(20_000);

const folder = mkdtempSync(join(tmpdir(), 'barnabas-startup-'));
const root = join(__dirname, '../..');
const children: ChildProcess[] = [];
let cluster: Cluster;
let nextFolder = 0;

beforeAll(async () => {
  cluster = await startCluster({ brokers: 1 });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly errors: string;
  /** The last line on standard error, which is what the user is told. */
  readonly sentence: string;
}

interface Running {
  readonly child: ChildProcess;
  /** Resolves when standard output or standard error has shown `text`, or the process has ended. */
  shown(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Runs a program; log lines go to a file, so that the terminal shows warnings and sentences alone. */
const launch = (program: string, ...args: string[]): Running => {
  const logs = { LOG_DIR: join(folder, `logs-${nextFolder++}`), NODE_OPTIONS: '' };
  const child = spawn(process.execPath, [join(root, program), ...args], {
    env: { ...process.env, ...logs },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let errors = '';
  let seen = '';
  let changed: () => void = () => {};
  child.stdout.on('data', (chunk) => {
    seen += chunk;
    changed();
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
    seen += chunk;
    changed();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      // What was under way when it happened may still be told of in log lines.
      const lines = errors.trimEnd().split('\n');
      const sentence = lines.findLast((line) => !line.startsWith('{"level"')) ?? '';
      resolve({ code, errors, sentence });
      changed();
    });
  });
  const shown = async (text: string): Promise<void> => {
    while (!seen.includes(text) && child.exitCode === null && child.signalCode === null)
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    expect(seen).toContain(text);
  };
  return { child, shown, ended };
};

const writeProperties = (settings: Readonly<Record<string, string>>): string => {
  const path = join(folder, `server-${nextFolder++}.properties`);
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
};

const newFolder = (): string => {
  const path = join(folder, `data-${nextFolder++}`);
  mkdirSync(path);
  return path;
};

/** Broker 2 of the cluster that runs, with what the test changes. */
const settingsOf = (changes: Readonly<Record<string, string>>): Record<string, string> => ({
  'broker.id': '2',
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'zookeeper.connect': cluster.zookeeperConnect,
  'log.dirs': join(folder, `data-${nextFolder++}`),
  ...changes,
});

const launchBroker = (changes: Readonly<Record<string, string>> = {}): Running =>
  launch('dist/tools/kafka-server.js', writeProperties(settingsOf(changes)));

const startBroker = (changes: Readonly<Record<string, string>>): Promise<Ended> =>
  launchBroker(changes).ended;

const expectSentence = (ended: Ended, ...parts: readonly string[]): void => {
  for (const part of parts) expect(ended.sentence).toContain(part);
  expect(ended.code).toBe(1);
  expect(ended.errors).not.toMatch(/^\s+at /m);
};

/** A port that somebody listens on until `close`. */
const takePort = (): Promise<{ port: number; close: () => void }> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ port, close: () => server.close() });
    });
  });

const metaProperties = (...lines: string[]): string => {
  const path = newFolder();
  writeFileSync(join(path, 'meta.properties'), `${lines.join('\n')}\n`);
  return path;
};

describe('the command line', () => {
  test('without arguments it shows how it is used', async () => {
    const ended = await launch('dist/tools/kafka-server.js').ended;
    expectSentence(ended, 'USAGE: kafka-server-start server.properties');
  });

  test('a settings file that is not there is named', async () => {
    const path = join(folder, 'nowhere.properties');
    expectSentence(await launch('dist/tools/kafka-server.js', path).ended, path);
  });

  test('a folder in place of the settings file is named', async () => {
    const ended = await launch('dist/tools/kafka-server.js', folder).ended;
    expectSentence(ended, folder, 'name the file');
  });

  test('a bad value is named with its setting', async () => {
    const ended = await startBroker({ 'num.partitions': 'many' });
    expectSentence(ended, 'Invalid value many for configuration num.partitions');
  });

  test('a log folder that cannot be made is named', async () => {
    const path = join(folder, 'file-for-logs');
    writeFileSync(path, '');
    const child = spawn(
      process.execPath,
      [join(root, 'dist/tools/kafka-server.js'), writeProperties(settingsOf({}))],
      { env: { ...process.env, LOG_DIR: path }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    children.push(child);
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    expect(errors).toContain(path);
    expect(errors.trimEnd().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });
});

describe('protection that is asked for and not there', () => {
  test.each([
    ['an authorizer', { 'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer' }],
    ['TLS', { 'listener.security.protocol.map': 'PLAINTEXT:SSL' }],
    ['SASL', { 'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT' }],
  ])('%s ends the start instead of being passed over', async (_name, settings) => {
    const [name = ''] = Object.keys(settings);
    expectSentence(await startBroker(settings), name, 'open to everybody');
  });
});

describe('the data folder', () => {
  test.each([
    ['of a broker without ZooKeeper', 'version=1', 'version 1'],
    ['with a broken id', 'broker.id=two', 'broker.id'],
  ])('a meta.properties %s ends the start', async (_name, line, part) => {
    const path = metaProperties(line);
    expectSentence(await startBroker({ 'log.dirs': path }), join(path, 'meta.properties'), part);
  });

  test('one of another cluster ends the start', async () => {
    const path = metaProperties('version=0', 'broker.id=2', 'cluster.id=AAAAAAAAAAAAAAAAAAAAAA');
    const ended = await startBroker({ 'log.dirs': path });
    expectSentence(ended, path, 'AAAAAAAAAAAAAAAAAAAAAA', 'zookeeper.connect');
  });

  test('one of another broker ends the start', async () => {
    const path = metaProperties('version=0', 'broker.id=7');
    expectSentence(await startBroker({ 'log.dirs': path }), path, 'broker 7', 'broker.id');
  });

  test('one that cannot be made ends the start', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const ended = await startBroker({ 'log.dirs': join(file, 'data') });
    expectSentence(ended, join(file, 'data'), 'log.dirs');
  });

  test('one that cannot be written ends the start', async () => {
    const ended = await startBroker({ 'log.dirs': '/proc/barnabas' });
    expectSentence(ended, '/proc/barnabas', 'log.dirs');
  });

  test('one that a live process holds ends the start', async () => {
    const [path = ''] = cluster.broker(1).parts.services.replicas.logs.onlineDirectories;
    const ended = await startBroker({ 'broker.id': '1', 'log.dirs': path });
    expectSentence(ended, path, 'in use by another process', 'log.dirs');
  });

  test('a sub-folder that no broker has made ends the start', async () => {
    const path = newFolder();
    mkdirSync(join(path, 'photographs'));
    expectSentence(await startBroker({ 'log.dirs': path }), join(path, 'photographs'), 'log.dirs');
  });
});

describe('the surroundings', () => {
  test('a ZooKeeper that cannot be reached ends the start', async () => {
    const { port, close } = await takePort();
    close();
    const ended = await startBroker({
      'zookeeper.connect': `127.0.0.1:${port}`,
      'zookeeper.connection.timeout.ms': '300',
    });
    expectSentence(ended, `127.0.0.1:${port}`, 'zookeeper.connect');
  });

  test('a port that is taken ends the start', async () => {
    const { port, close } = await takePort();
    const ended = await startBroker({ listeners: `PLAINTEXT://127.0.0.1:${port}` });
    close();
    expectSentence(ended, `Port ${port} is taken`);
  });

  test('an address of another machine ends the start', async () => {
    const ended = await startBroker({ listeners: 'PLAINTEXT://203.0.113.1:0' });
    expectSentence(ended, '203.0.113.1', 'listeners');
  });

  test('the id of a broker that is alive ends the start', async () => {
    expectSentence(await startBroker({ 'broker.id': '1' }), 'id 1', 'broker.id');
  });

  test('barnabas up names the port that is taken', async () => {
    const { port, close } = await takePort();
    // One of its own: where a lab is running, the usual one is taken, too.
    const zookeeper = await takePort();
    zookeeper.close();
    const ports = ['--port', String(port), '--zookeeper-port', String(zookeeper.port)];
    const ended = await launch('bin/barnabas', 'up', ...ports, '--data', join(folder, 'lab')).ended;
    close();
    expectSentence(ended, `Port ${port} is taken`, '--port');
    expect(ended.errors.trimEnd().split('\n')).toHaveLength(1);
  });

  test('barnabas up names a data folder that cannot be made', async () => {
    const file = join(folder, 'another-file');
    writeFileSync(file, '');
    const [first, second] = [await takePort(), await takePort()];
    first.close();
    second.close();
    const ports = ['--port', String(first.port), '--zookeeper-port', String(second.port)];
    const ended = await launch('bin/barnabas', 'up', '--brokers', '1', ...ports, '--data', file)
      .ended;
    expectSentence(ended, file);
  });

  test.each([
    ['a port that is taken', true],
    ['a data folder that cannot be made', false],
  ])('zookeeper-server-start names %s', async (_name, isPort) => {
    const { port, close } = await takePort();
    if (!isPort) close();
    const file = join(folder, `zookeeper-file-${isPort}`);
    writeFileSync(file, '');
    const path = writeProperties({
      clientPort: String(port),
      clientPortAddress: '127.0.0.1',
      dataDir: isPort ? newFolder() : join(file, 'data'),
    });
    const ended = await launch('dist/tools/zookeeper-server.js', path).ended;
    if (isPort) close();
    expectSentence(ended, isPort ? `Port ${port} is taken` : join(file, 'data'));
  });
});

describe('starts that succeed', () => {
  const isRegistered = (): boolean =>
    cluster.broker(1).parts.services.metadata.aliveBrokers('PLAINTEXT').length === 2;

  test('an unknown setting is only warned of', async () => {
    const first = launchBroker({ 'no.such.setting': '1' });
    await first.shown('The configuration no.such.setting is not known');
    await poll(isRegistered);
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
  });

  test('the failure of the last data folder stops the broker', async () => {
    const settings = settingsOf({ 'replica.high.watermark.checkpoint.interval.ms': '100' });
    const broker = launchBroker(settings);
    await poll(isRegistered);
    await createTopicOn(2);
    const directory = settings['log.dirs'] ?? '';
    await poll(() => existsSync(join(directory, 'topic-0', '00000000000000000000.log')));
    // In one step: the broker may be writing a checkpoint into it.
    renameSync(directory, `${directory}-gone`);
    expectSentence(await broker.ended, 'All folders of log.dirs have failed');
  });

  test('the lock of a killed broker does not count, not even when its pid is used again', async () => {
    const settings = settingsOf({});
    const lock = join(settings['log.dirs'] ?? '', '.lock');
    const holds = ({ child }: Running) => readText(lock).startsWith(`${child.pid} `);
    const first = launchBroker(settings);
    await poll(() => holds(first));
    first.child.kill('SIGKILL');
    await first.ended;
    writeFileSync(lock, readText(lock).replace(/^\d+/, String(process.pid)));
    const second = launchBroker(settings);
    await poll(() => holds(second));
    second.child.kill('SIGKILL');
    await second.ended;
  });
});

/** Creates `topic` with one partition on that broker. */
const createTopicOn = async (brokerId: number): Promise<void> => {
  const [host = '', port] = cluster.bootstrapServers.split(':');
  const channel = await openChannel(realSystem(), { host, port: Number(port), clientId: 'test' });
  const assignments = [{ partitionIndex: 0, brokerIds: [brokerId] }];
  const topic = {
    name: 'topic',
    numPartitions: -1,
    replicationFactor: -1,
    assignments,
    configs: [],
  };
  const { topics } = await channel.send(apis.createTopics, { topics: [topic], timeoutMs: 5000 });
  expect(topics[0]?.errorCode).toBe(0);
  channel.close();
};

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

const poll = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
};
