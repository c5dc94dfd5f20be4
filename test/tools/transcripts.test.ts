/**
 * Our tools print and exit as Kafka's did when they were recorded: first what needs no cluster,
 * then against our own.
 */

import { type Cluster, startCluster } from '../../tools/cluster.ts';
import { consoleConsumer } from '../../tools/console-consumer/command.ts';
import { consumerToolOptions } from '../../tools/console-consumer/options.ts';
import { consoleProducer } from '../../tools/console-producer/command.ts';
import { producerToolOptions } from '../../tools/console-producer/options.ts';
import { topics } from '../../tools/topics/command.ts';
import { topicsOptions } from '../../tools/topics/options.ts';
import { outcomes, type Result, readTranscript, type Step } from './transcript.ts';

const tools = {
  'kafka-topics': { tool: topics, table: topicsOptions },
  'kafka-console-producer': { tool: consoleProducer, table: producerToolOptions },
  'kafka-console-consumer': { tool: consoleConsumer, table: consumerToolOptions },
};
type Name = keyof typeof tools;

const transcriptOf = (name: Name) => readTranscript(`${__dirname}/../fixtures/cli/${name}.json`);

const runsOf = (name: Name) => ({ ...tools[name], transcript: transcriptOf(name) });

/** Where replicas lie is left to chance, and so is the order in which partitions are read. */
const withoutPlaces = (result: Result): Result => ({
  ...result,
  stdout: result.stdout
    .replace(/(Leader|Replicas|Isr): [\d,]+/g, (_, name: string) => `${name}: …`)
    .replace(/CreateTime:\d+/g, 'CreateTime:…'),
});

const expectAlike = async (
  name: Name,
  step: Step,
  places: Readonly<Record<string, string>>,
): Promise<void> => {
  const { ours, recorded } = await outcomes(step, runsOf(name), places);
  expect({ args: step.args, ...withoutPlaces(ours) }).toEqual({
    args: step.args,
    ...withoutPlaces(recorded),
  });
};

/** Nothing listens there. */
const nowhere = { bootstrap: '127.0.0.1:9', unreachable: '127.0.0.1:9', zookeeper: '127.0.0.1:9' };

describe('without a cluster', () => {
  /** Recorded command lines that are refused, or answered, before anything is sent. */
  const isLocal = ({ action, tool, stdout, stderr }: Step): boolean => {
    if (action !== undefined || tool !== undefined || stdout.includes('executing')) return false;
    const isRefused = /\{usage\}$|is not a recognized option|Invalid (url|value)|^Option {2}/m;
    return isRefused.test(stderr) || stdout === '3.9.1\n';
  };

  test.each([
    ['kafka-topics', 25],
    ['kafka-console-producer', 11],
    ['kafka-console-consumer', 16],
  ] as const)('%s is as strict about its %d command lines', async (name, count) => {
    const steps = transcriptOf(name).steps.filter(isLocal);
    expect(steps.length).toBeGreaterThanOrEqual(count);
    for (const step of steps) await expectAlike(name, step, nowhere);
  });
});

describe('with our own brokers', () => {
  let cluster: Cluster;
  const bootstrap = () => ({ bootstrap: cluster.bootstrapServers });

  beforeAll(async () => {
    cluster = await startCluster({
      config: { 'default.replication.factor': '1', 'offsets.topic.num.partitions': '3' },
    });
  }, 30_000);

  afterAll(async () => {
    await cluster?.stop();
  });

  test('kafka-topics creates, lists, describes, alters and deletes as recorded', async () => {
    const { steps } = transcriptOf('kafka-topics');
    // From --create on up to the steps that stop brokers; those that show the one topic recorded
    // elsewhere, or ids, are left out.
    const chosen = steps
      .slice(17, 104)
      .filter(
        ({ args, stdout, action }) =>
          action === undefined &&
          !args.some((word) => /^CyJg/.test(word)) &&
          !/^bad\n|: bad\t|\nbad\n/.test(stdout),
      );
    expect(chosen.length).toBeGreaterThan(70);
    for (const step of chosen) await expectAlike('kafka-topics', step, bootstrap());
  }, 60_000);

  test('what kafka-console-producer writes kafka-console-consumer reads', async () => {
    const { steps } = transcriptOf('kafka-console-consumer');
    // Those that end by a count of records; not those whose order, or whose text for an array, is
    // left open.
    const isOpen = /ByteArrayDeserializer|^in3$|^in\.\*$|^x$|^odd$/;
    const chosen = steps
      .slice(7, 70)
      .filter(({ action }) => action === undefined)
      .filter(({ args, note }) => note === 'setup' || args.includes('--max-messages'))
      .filter(({ args, note }) => note === 'setup' || !args.some((word) => isOpen.test(word)));
    expect(chosen.length).toBeGreaterThan(30);
    for (const step of chosen) {
      if (step.note !== 'setup') await expectAlike('kafka-console-consumer', step, bootstrap());
      else await outcomes(step, runsOf(step.tool as Name), bootstrap());
    }
  }, 60_000);

  test('kafka-console-producer ends as recorded', async () => {
    const { steps } = transcriptOf('kafka-console-producer');
    // Those in between do not end; and one shows a sentence of the broker's.
    const chosen = [...steps.slice(8, 54), ...steps.slice(56, 61), ...steps.slice(62, 63)];
    for (const step of chosen) {
      if (step.tool === undefined) await expectAlike('kafka-console-producer', step, bootstrap());
      else await outcomes(step, runsOf(step.tool as Name), bootstrap());
    }
  }, 60_000);
});
