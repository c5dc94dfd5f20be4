/**
 * The options of kafka-topics and which of them go together (Kafka's TopicCommandOptions, in its
 * order of checks).
 */
import { topicSettings } from '../../broker/config/topic-config-table.ts';
import { checkInvalid, checkRequired, UsageError } from '../cli.ts';
import type { ParsedOptions } from '../options/parser.ts';
import { commonOptions, type OptionTable } from '../options/table.ts';

const configNames = [...topicSettings.keys()].sort().map((name) => `\t${name}`);

export const topicsOptions: OptionTable = [
  ...commonOptions,
  {
    name: 'alter',
    description:
      'Raise the partition count of a topic, and place the new replicas if asked to. ' +
      'Settings of a topic are altered ' +
      'with kafka-configs.',
  },
  {
    name: 'at-min-isr-partitions',
    description: 'With --describe: only partitions whose ISR is exactly at the minimum.',
  },
  {
    name: 'bootstrap-server',
    argument: 'required',
    valueName: 'server to connect to',
    description: 'REQUIRED: The Kafka servers to connect to.',
  },
  {
    name: 'command-config',
    argument: 'required',
    valueName: 'command config property file',
    description: 'A properties file with settings of the admin client.',
  },
  {
    name: 'config',
    argument: 'required',
    valueName: 'name=value',
    description:
      'With --create: a setting of the topic that is to differ from the default. The ' +
      `settings are:\n${configNames.join('\n')}\n` +
      'The settings of a topic that exists are altered with kafka-configs.',
  },
  { name: 'create', description: 'Create a topic.' },
  { name: 'delete', description: 'Delete topics.' },
  {
    name: 'delete-config',
    argument: 'required',
    valueName: 'name',
    description: 'Of older releases; goes with no action any more.',
  },
  { name: 'describe', description: 'Show topics in detail.' },
  {
    name: 'exclude-internal',
    description: 'With --list and --describe: leave out internal topics.',
  },
  {
    name: 'if-exists',
    description:
      'With --alter, --delete and --describe: a topic that does not exist is no failure.',
  },
  { name: 'if-not-exists', description: 'With --create: a topic that exists is no failure.' },
  { name: 'list', description: 'List the names of all topics.' },
  {
    name: 'partition-size-limit-per-response',
    argument: 'required',
    type: 'Integer',
    valueName: 'maximum number of partitions in one response.',
    description: 'The most partitions that one DescribeTopicPartitions response may hold.',
  },
  {
    name: 'partitions',
    argument: 'required',
    type: 'Integer',
    valueName: '# of partitions',
    description:
      'The number of partitions of the topic (WARNING: raising it changes which ' +
      'partition a key belongs to). ' +
      "The cluster's default when not given with --create.",
  },
  {
    name: 'replica-assignment',
    argument: 'required',
    valueName:
      'broker_id_for_part1_replica1 : broker_id_for_part1_replica2 , ' +
      'broker_id_for_part2_replica1 : broker_id_for_part2_replica2 , ...',
    description: 'The brokers of each partition, the preferred leader first.',
  },
  {
    name: 'replication-factor',
    argument: 'required',
    type: 'Integer',
    valueName: 'replication factor',
    description:
      "With --create: the number of replicas of each partition. The cluster's default " +
      'when not given.',
  },
  {
    name: 'topic',
    argument: 'required',
    valueName: 'topic',
    description:
      'The topic; for all actions but --create a regular expression. Put it in double ' +
      'quotes and write \\ before special ' +
      'characters that are meant as they are.',
  },
  {
    name: 'topic-id',
    argument: 'required',
    valueName: 'topic-id',
    description: 'With --describe: the id of the topic.',
  },
  {
    name: 'topics-with-overrides',
    description: 'With --describe: only topics with settings of their own.',
  },
  {
    name: 'unavailable-partitions',
    description: 'With --describe: only partitions without a leader that is alive.',
  },
  {
    name: 'under-min-isr-partitions',
    description: 'With --describe: only partitions whose ISR is below the minimum.',
  },
  {
    name: 'under-replicated-partitions',
    description: 'With --describe: only partitions with replicas that are not in sync.',
  },
];

export const partitionFilters = [
  'under-replicated-partitions',
  'unavailable-partitions',
  'under-min-isr-partitions',
  'at-min-isr-partitions',
] as const;

export type Action = 'create' | 'list' | 'alter' | 'describe' | 'delete';
const actions: readonly Action[] = ['create', 'list', 'alter', 'describe', 'delete'];

/** What is asked for; throws UsageError where the options do not go together. */
export const checkTopicsOptions = (options: ParsedOptions): Action => {
  const [action, second] = actions.filter((name) => options.has(name));
  if (action === undefined || second !== undefined) {
    throw new UsageError(
      'Command must include exactly one action: --list, --describe, --create, --alter or --delete',
    );
  }
  checkArguments(options, action);
  checkCombinations(options);
  return action;
};

const checkArguments = (options: ParsedOptions, action: Action): void => {
  if (action === 'list') return;
  if (action === 'describe') {
    const names = ['topic', 'topic-id'];
    if (options.has('if-exists') && !names.some((name) => options.has(name))) {
      throw new UsageError('Missing required argument "[topic]"');
    }
    return;
  }
  checkRequired(options, 'topic');
  if (action !== 'alter') return;
  checkInvalidConfigs(options);
  checkRequired(options, 'partitions');
};

const checkInvalidConfigs = (options: ParsedOptions): void => {
  if (!options.has('config')) return;
  throw new UsageError(
    'Option combination "[[bootstrap-server], [config]]" can\'t be used with option "[alter]" ' +
      '(the kafka-configs CLI supports altering topic configs with a --bootstrap-server option)',
  );
};

/** An option and the actions, or options, that it does not go with. */
const except = (...allowed: readonly Action[]): readonly string[] =>
  actions.filter((action) => !allowed.includes(action));

const combinations: readonly (readonly [string, readonly string[]])[] = [
  ['config', except('create', 'alter')],
  ['delete-config', [...except('alter'), 'bootstrap-server']],
  ['partitions', except('alter', 'create')],
  ['replication-factor', except('create')],
  ['replica-assignment', except('create', 'alter')],
  ['under-replicated-partitions', [...except('describe'), 'topics-with-overrides']],
  ['under-min-isr-partitions', [...except('describe'), 'topics-with-overrides']],
  ['at-min-isr-partitions', [...except('describe'), 'topics-with-overrides']],
  ['unavailable-partitions', [...except('describe'), 'topics-with-overrides']],
  ['topics-with-overrides', [...except('describe'), ...partitionFilters]],
  ['if-exists', except('alter', 'delete', 'describe')],
  ['if-not-exists', except('create')],
  ['exclude-internal', except('list', 'describe')],
];

const checkCombinations = (options: ParsedOptions): void => {
  if (options.has('create')) {
    checkInvalid(options, 'replica-assignment', ['partitions', 'replication-factor']);
  }
  for (const [used, others] of combinations) checkInvalid(options, used, others);
};
