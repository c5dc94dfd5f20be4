/**
 * Scripts of what happens to a controller and what it then does (test/scenarios/controller). A line
 * that starts with `>` is an event; the lines below it are the outcome: state writes, requests to
 * brokers, the answer. Run with UPDATE_SCENARIOS=1 to write the outcome anew, and review the
 * difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ControllerEvent, Reply } from '../../controller/events.ts';
import { ClusterModel } from './cluster-model.ts';

const folder = `${__dirname}/../scenarios/controller`;

const ids = (text = ''): number[] => text.split(',').filter(Boolean).map(Number);

const place = (text = ''): { topic: string; partition: number } => {
  const dash = text.lastIndexOf('-');
  return { topic: text.slice(0, dash), partition: Number(text.slice(dash + 1)) };
};

/** The value behind a word, as `epoch` in `alter 1 t-0 epoch 3`. */
const after = (words: readonly string[], name: string): string | undefined =>
  words.includes(name) ? words[words.indexOf(name) + 1] : undefined;

type Input = (model: ClusterModel, words: readonly string[]) => ControllerEvent | null;

const reassignment = (text: string | undefined, replicas: number[] | null): ControllerEvent => {
  const { topic, partition } = place(text);
  const partitions = [{ partitionIndex: partition, replicas }];
  return {
    type: 'alterPartitionReassignments',
    version: 0,
    request: { timeoutMs: 1000, topics: [{ name: topic, partitions }] },
  };
};

const election = (text: string | undefined, electionType: number): ControllerEvent => {
  const { topic, partition } = place(text);
  const topicPartitions = text === 'all' ? null : [{ topic, partitions: [partition] }];
  return {
    type: 'electLeaders',
    version: 2,
    request: { electionType, topicPartitions, timeoutMs: 1 },
  };
};

const inputs: { readonly [name: string]: Input } = {
  up: (model, [id]) => {
    model.register(Number(id));
    return { type: 'brokerChange' };
  },
  down: (model, [id]) => {
    model.brokers.delete(Number(id));
    return { type: 'brokerChange' };
  },
  gone: (model, [id]) => ({
    type: 'brokerGone',
    brokerId: Number(id),
    epoch: model.brokers.get(Number(id))?.epoch ?? -1n,
  }),
  moved: (model, [id, port]) => {
    const { epoch } = model.brokers.get(Number(id)) ?? { epoch: 0n };
    model.brokers.set(Number(id), { ...model.register(Number(id), Number(port)), epoch });
    return { type: 'brokerModified', brokerId: Number(id) };
  },
  /** What the first election finds. */
  register: (model, [id]) => {
    model.register(Number(id));
    return null;
  },
  put: (model, [name = '', list, ...words]) => {
    const replicas = ids(list);
    model.putTopic(name, [replicas]);
    const addingReplicas = ids(after(words, 'adding'));
    const { id } = model.topics.get(name) ?? { id: '' };
    const partitions = new Map([[0, { replicas, addingReplicas, removingReplicas: [] }]]);
    model.topics.set(name, { name, id, partitions });
    return null;
  },
  mark: (model, [name = '']) => {
    model.markers.add(name);
    return null;
  },
  elected: (_, [epoch]) => ({ type: 'elected', epoch: Number(epoch) }),
  topic: (model, [name = '', ...lists]) => {
    model.putTopic(name, lists.map(ids));
    return { type: 'topicChange' };
  },
  partitions: (model, [name = '', ...lists]) => {
    model.putTopic(name, lists.map(ids));
    return { type: 'topicModified', topic: name };
  },
  /** Sets a state znode behind the controller's back. */
  state: (model, [text, ...words]) => {
    const { topic, partition } = place(text);
    const number = (name: string): object => {
      const value = after(words, name);
      return value === undefined ? {} : { [name]: Number(value) };
    };
    const isr = after(words, 'isr');
    model.putState(topic, partition, {
      ...number('leader'),
      ...number('leaderEpoch'),
      ...number('partitionEpoch'),
      ...number('controllerEpoch'),
      ...(isr === undefined ? {} : { isr: ids(isr) }),
    });
    return null;
  },
  alter: (model, [id, text, ...words]) => {
    const { topic, partition } = place(text);
    const newIsr = ids(after(words, 'isr'));
    const version = Number(after(words, 'api') ?? 3);
    const brokerEpoch = after(words, 'broker-epoch');
    return {
      type: 'alterPartition',
      version,
      request: {
        brokerId: Number(id),
        brokerEpoch:
          brokerEpoch === undefined
            ? (model.brokers.get(Number(id))?.epoch ?? -1n)
            : BigInt(brokerEpoch),
        topics: [
          {
            topicName: topic,
            topicId: model.topics.get(topic)?.id ?? 'unknown',
            partitions: [
              {
                partitionIndex: partition,
                leaderEpoch: Number(after(words, 'epoch')),
                newIsr,
                newIsrWithEpochs: newIsr.map((brokerId) => ({ brokerId, brokerEpoch: -1n })),
                leaderRecoveryState: Number(after(words, 'recovery') ?? 0),
                partitionEpoch: Number(after(words, 'version')),
              },
            ],
          },
        ],
      },
    };
  },
  shutdown: (model, [id]) => ({
    type: 'controlledShutdown',
    version: 3,
    request: {
      brokerId: Number(id),
      brokerEpoch: model.brokers.get(Number(id))?.epoch ?? 7n,
    },
  }),
  reassign: (_, [text, list]) => reassignment(text, ids(list)),
  cancel: (_, [text]) => reassignment(text, null),
  list: () => ({
    type: 'listPartitionReassignments',
    version: 0,
    request: { timeoutMs: 1000, topics: null },
  }),
  'reassign-znode': (model, entries) => {
    model.reassignments = entries.map((entry) => {
      const [text, list] = entry.split('=');
      return { ...place(text), replicas: ids(list) };
    });
    return { type: 'reassignmentsRequested' };
  },
  preferred: (_, [text]) => election(text, 0),
  unclean: (_, [text]) => election(text, 1),
  'preferred-znode': (model, [...texts]) => {
    model.preferred = texts.map(place);
    return { type: 'preferredElectionRequested' };
  },
  check: () => ({ type: 'preferredCheck' }),
  'allow-unclean': (model, [topic = '']) => {
    model.unclean.set(topic, true);
    return { type: 'uncleanElectionEnabled', topic };
  },
  delete: (model, names) => {
    for (const name of names) model.markers.add(name);
    return { type: 'topicDeletion' };
  },
  deleted: (_, [id, text, code]) => ({
    type: 'deletionAnswered',
    brokerId: Number(id),
    partitions: [{ ...place(text), errorCode: Number(code ?? 0) }],
  }),
  answered: (model, [id, text, code]) => {
    const { topic, partition } = place(text);
    const topicId = model.topics.get(topic)?.id ?? '';
    const partitions = [{ topicId, partition, errorCode: Number(code) }];
    return { type: 'leaderAndIsrAnswered', brokerId: Number(id), partitions };
  },
  'log-dir': (model, [id]) => {
    model.logDirNotifications = [{ name: 'log_dir_event_0000000000', brokerId: Number(id) }];
    return { type: 'logDirNotifications' };
  },
  'isr-change': (model, [text]) => {
    model.isrNotifications = [{ name: 'isr_change_0000000000', partitions: [place(text)] }];
    return { type: 'isrNotifications' };
  },
  'producer-ids': (model, [id, epoch]) => ({
    type: 'allocateProducerIds',
    version: 0,
    request: {
      brokerId: Number(id),
      brokerEpoch:
        epoch === undefined ? (model.brokers.get(Number(id))?.epoch ?? -1n) : BigInt(epoch),
    },
  }),
};

const replyText = (reply: Reply): string => `answer ${JSON.stringify(reply)}`;

/** The script with its outcome as it is now. */
const play = (script: string): string => {
  const model = new ClusterModel(1);
  const lines: string[] = [];
  for (const line of script.split('\n')) {
    if (line.startsWith('#') || line === '') lines.push(line);
    if (!line.startsWith('> ')) continue;
    const [name = '', ...words] = line.slice(2).split(' ');
    const input = inputs[name];
    if (input === undefined) throw new Error(`unknown event: ${line}`);
    model.log = [];
    const event = input(model, words);
    const reply = event === null ? null : model.run(event);
    lines.push(line, ...model.log, ...(reply === null ? [] : [replyText(reply)]));
  }
  return `${lines.join('\n').trimEnd()}\n`;
};

test.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s', (name) => {
  const path = `${folder}/${name}`;
  const script = readFileSync(path, 'utf8');
  const outcome = play(script);
  if (process.env.UPDATE_SCENARIOS === '1') writeFileSync(path, outcome);
  else expect(outcome).toBe(script);
});
