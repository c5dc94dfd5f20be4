import { type DescribeView, type TopicFacts, topicText } from '../../tools/topics/describe.ts';

const partition = (number: number, leaderId: number, replicas: number[], isr: number[]) => ({
  partition: number,
  errorCode: 0,
  leaderId,
  leaderEpoch: 0,
  replicas,
  isr,
  offlineReplicas: [],
});

const config = (name: string, value: string, source: number) => ({
  name,
  value,
  source,
  isReadOnly: false,
  isSensitive: false,
  type: 2,
  synonyms: [],
  documentation: null,
});

const orders: TopicFacts = {
  topic: {
    name: 'orders',
    topicId: 'bTHOX8yaT3WqFFaxNnvMQA',
    isInternal: false,
    errorCode: 0,
    partitions: [
      partition(0, 1, [1, 2, 3], [1, 2, 3]),
      partition(1, 2, [2, 3, 1], [2, 3]),
      partition(2, -1, [3, 1, 2, 4], [3]),
    ],
    authorizedOperations: null,
  },
  configs: [config('min.insync.replicas', '2', 1), config('retention.ms', '1', 5)],
  reassignments: new Map([
    [
      2,
      {
        topic: 'orders',
        partition: 2,
        replicas: [3, 1, 2, 4],
        addingReplicas: [2],
        removingReplicas: [4],
      },
    ],
  ]),
};

const view = (changes: Partial<DescribeView> = {}): DescribeView => ({
  filters: [],
  onlyOverridden: false,
  liveBrokers: new Set([1, 2, 3]),
  ...changes,
});

const end = '\tElr: N/A\tLastKnownElr: N/A\n';
const header =
  'Topic: orders\tTopicId: bTHOX8yaT3WqFFaxNnvMQA\tPartitionCount: 3\t' +
  'ReplicationFactor: 3\tConfigs: min.insync.replicas=2\n';
const lines = [
  `\tTopic: orders\tPartition: 0\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2,3${end}`,
  `\tTopic: orders\tPartition: 1\tLeader: 2\tReplicas: 2,3,1\tIsr: 2,3${end}`,
  '\tTopic: orders\tPartition: 2\tLeader: none\tReplicas: 3,1,2,4\tIsr: 3\tAdding ' +
    `Replicas: 2\tRemoving Replicas: 4${end}`,
];

test('a topic is shown with all its partitions', () => {
  expect(topicText(orders, view())).toBe(header + lines.join(''));
});

test('topics with overrides are shown without partitions, the others not at all', () => {
  expect(topicText(orders, view({ onlyOverridden: true }))).toBe(header);
  expect(topicText({ ...orders, configs: [] }, view({ onlyOverridden: true }))).toBe('');
});

test.each([
  [['under-replicated-partitions'], [1, 2]],
  [['unavailable-partitions'], [2]],
  [['under-min-isr-partitions'], [2]],
  [['at-min-isr-partitions'], [1]],
  [
    ['unavailable-partitions', 'at-min-isr-partitions'],
    [1, 2],
  ],
] as const)('%j shows partitions %j only', (filters, shown) => {
  const expected = shown.map((index) => lines[index]).join('');
  expect(topicText(orders, view({ filters }))).toBe(expected);
});

test('a leader that is not alive makes a partition unavailable', () => {
  const filters = ['unavailable-partitions'] as const;
  const text = topicText(orders, view({ filters, liveBrokers: new Set([2, 3]) }));
  expect(text).toBe(`${lines[0]}${lines[2]}`);
});
