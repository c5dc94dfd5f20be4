/**
 * What Apache Kafka brings, on the embedded ZooKeeper server: ZooKeeper's own shell in Java, which must print what it printed
 * when it was recorded on a real server, and a cluster of its brokers, whose ZooKeeper is killed under them.
 */
import { readFileSync } from 'node:fs';
import {
  awaitPartitions,
  consumeValues,
  kafkaOf,
  PATIENT,
  sendInTurn,
  startMixedCluster,
} from './clusters.ts';
import { cleanUp, type Outcome, run } from './processes.ts';
import { commandOf, describeWith } from './software.ts';
import { startZooKeeper } from './zookeepers.ts';

interface Step {
  readonly args: readonly string[];
  readonly stdin: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const CONNECTED = 'WatchedEvent state:SyncConnected type:None path:null\n';

/** Comes after that, where a shell waits for the connection. */
const GREETING = 'Welcome to ZooKeeper!\nJLine support is disabled\n';

const stepsOf = (name: string): Step[] => {
  const { steps } = JSON.parse(readFileSync(`test/fixtures/cli/${name}.json`, 'utf8'));
  return steps.filter(({ args }: Partial<Step>) => args !== undefined);
};

/** Without what differs from run to run. */
const comparable = (text: string): string =>
  text
    .replace(/(localhost\/)?127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/^\[[\d :,-]{23}\].*\n/gm, '')
    .replace(/^\tat .*\n/gm, '')
    .replace(/((?:cZxid|mZxid|pZxid|ephemeralOwner) = 0x)[\da-f]+/g, '$1...')
    .replace(/(ctime|mtime) = .*/g, '$1 = ...');

/** Happens while `printwatches` is off; the thread that prints can be so late that it is on again. */
const EVENT_WHILE_OFF = 'WatchedEvent state:SyncConnected type:NodeDataChanged path:/w/c';

/** The shell may end before the thread that prints it has seen its own connection end, and begin another before that. */
const CLOSED = 'WatchedEvent state:Closed type:None path:null';

/** The shell's threads print as they come: each one's lines are in order, but not where they meet. */
const answersAndEvents = (stdout: string): Record<'answers' | 'events', string[]> => {
  const lines = comparable(stdout).split('\n');
  const isEvent = (line: string): boolean => line.startsWith('WatchedEvent');
  return {
    answers: lines.filter((line) => line !== '' && line !== 'WATCHER::' && !isEvent(line)),
    events: lines.filter((line) => isEvent(line) && ![EVENT_WHILE_OFF, CLOSED].includes(line)),
  };
};

describeWith('APACHE_KAFKA', "ZooKeeper's Java shell on the embedded server", () => {
  afterAll(cleanUp);

  const shell = (address: string, lines: string): Promise<Outcome> =>
    run(
      commandOf('APACHE_KAFKA'),
      // Its first answers do not meet the event that it is connected.
      ['zookeeper-shell', '-server', address, '-waitforconnection'],
      lines,
    );

  /** Commands that were recorded one a process, as far as they reach the server. */
  const single = stepsOf('zookeeper-shell').filter(
    ({ args, stdout }) =>
      args[0] === '{zookeeper}' &&
      stdout.includes(CONNECTED) &&
      !['', 'quit'].includes(args[1] ?? ''),
  );
  const body = (stdout: string): string =>
    stdout.slice(stdout.indexOf(CONNECTED) + CONNECTED.length).replace(GREETING, '');
  const quoted = (word: string): string => (/[ {]/.test(word) ? `'${word}'` : word);

  /** Lines that make the nodes of the cluster that was recorded. */
  const seeds = (): string[] => {
    const shown = (words: string): string =>
      body(single.find(({ args }) => args.slice(1).join(' ') === words)?.stdout ?? '').split(
        '\n',
      )[0] ?? '';
    const data: Readonly<Record<string, string>> = {
      controller: ` '${shown('get -s /controller')}'`,
      controller_epoch: ' 1',
    };
    const roots = shown('ls /').slice(1, -1).split(', ');
    return [
      ...roots.filter((name) => name !== 'zookeeper').map((name) => `/${name}${data[name] ?? ''}`),
      ...['/brokers/ids', '/brokers/seqid', '/brokers/topics'],
      ...[1, 2, 3].map((id) => `/brokers/ids/${id} '${shown('get /brokers/ids/1')}'`),
    ].map((words) => `create ${words}`);
  };

  test('commands print what they printed on ZooKeeper', async () => {
    const { connectString } = await startZooKeeper('embedded');
    await shell(connectString, `${seeds().join('\n')}\n`);
    const commands = single.filter(({ args }) => args.length > 1);
    expect(commands.length).toBeGreaterThan(40);
    const lines = commands.map(({ args }) => args.slice(1).map(quoted).join(' '));
    const { stdout, stderr } = await shell(connectString, `${lines.join('\n')}\n`);
    const printed = commands.map((step) => comparable(body(step.stdout))).join('');
    expect(comparable(body(stdout))).toBe(printed);
    expect(comparable(stderr)).toBe(commands.map((step) => comparable(step.stderr)).join(''));
  }, 120_000);

  test('two hundred lines in one session do so, too', async () => {
    const { connectString } = await startZooKeeper('embedded');
    const [session] = stepsOf('zookeeper-shell-session');
    const lines = session?.stdin?.replaceAll('{zookeeper}', connectString) ?? '';
    const { stdout, stderr } = await shell(connectString, lines);
    expect(answersAndEvents(stdout)).toEqual(answersAndEvents(session?.stdout ?? ''));
    expect(comparable(stderr)).toBe(comparable(session?.stderr ?? ''));
  }, 120_000);
});

describeWith('APACHE_KAFKA', 'Apache Kafka on the embedded server', () => {
  afterAll(cleanUp);

  const values = (from: number): string[] =>
    Array.from({ length: 100 }, (_, index) => `value-${from + index}`);

  test('replicates, fails over, moves partitions, and outlives a restart of ZooKeeper', async () => {
    const cluster = await startMixedCluster('barnabas', ['apache', 'apache', 'apache']);
    const kafka = kafkaOf(cluster.bootstrapServers);
    const admin = kafka.admin();
    await admin.connect();
    const isInSync = (replicas: readonly number[]) =>
      awaitPartitions(kafka, 'lab', (all) =>
        all.every(
          ({ replicas: now, isr }) =>
            `${[...now].sort()}` === `${replicas}` && isr.length === replicas.length,
        ),
      );
    await admin.createTopics({
      topics: [
        {
          topic: 'lab',
          replicaAssignment: [
            { partition: 0, replicas: [1, 2, 3] },
            { partition: 1, replicas: [2, 3, 1] },
          ],
          configEntries: [{ name: 'min.insync.replicas', value: '2' }],
        },
      ],
      ...PATIENT,
    });
    await isInSync([1, 2, 3]);
    const producer = kafka.producer();
    await producer.connect();
    const send = (from: number): Promise<void> => {
      const messages = values(from).map((value, index) => ({ value, partition: index % 2 }));
      return sendInTurn(producer, 'lab', messages);
    };
    await send(0);

    // Broker 1 is the controller and leads a partition.
    await cluster.brokers.get(1)?.end('SIGKILL');
    await awaitPartitions(kafka, 'lab', (all) =>
      all.every(({ leader, isr }) => leader !== 1 && !isr.includes(1)),
    );
    await send(100);

    // Sessions and registrations outlive the server: nobody loses the lead.
    await cluster.restartZooKeeper();
    await send(200);
    await cluster.restart(1);
    await isInSync([1, 2, 3]);

    await admin.alterPartitionReassignments({
      topics: [
        {
          topic: 'lab',
          partitionAssignment: [0, 1].map((partition) => ({ partition, replicas: [1, 3] })),
        },
      ],
      ...PATIENT,
    });
    await isInSync([1, 3]);
    await send(300);
    await producer.disconnect();
    await admin.disconnect();
    const read = await consumeValues(kafka, 'lab', {
      groupId: 'lab',
      count: 400,
      areDistinct: true,
    });
    expect(new Set(read)).toEqual(new Set([0, 100, 200, 300].flatMap(values)));
  }, 240_000);
});
