/**
 * The options of kafka-console-consumer and what follows from them (Kafka's ConsoleConsumerOptions,
 * in its order of checks).
 */
import type { System } from '../../system/system.ts';
import { checkRequired, UsageError } from '../cli.ts';
import { javaInteger, type ParsedOptions } from '../options/parser.ts';
import { keyValues, type Properties, readProperties } from '../options/properties.ts';
import { commonOptions, type OptionTable } from '../options/table.ts';
import { DEFAULT_FORMATTER } from './formatters.ts';

const formatterHelp = `A setting of the formatter as key=value. The settings are:
 print.timestamp=true|false
 print.key=true|false
 print.offset=true|false
 print.partition=true|false
 print.headers=true|false
 print.value=true|false
 key.separator=<key.separator>
 line.separator=<line.separator>
 headers.separator=<line.separator>
 null.literal=<null.literal>
 key.deserializer=<key.deserializer>
 value.deserializer=<value.deserializer>
 headers.deserializer=<headers.deserializer>`;

export const consumerToolOptions: OptionTable = [
  ...commonOptions,
  {
    name: 'bootstrap-server',
    argument: 'required',
    valueName: 'server to connect to',
    description: 'REQUIRED: The servers to connect to.',
  },
  {
    name: 'consumer-property',
    argument: 'required',
    valueName: 'consumer_prop',
    description: 'A setting of the consumer as key=value.',
  },
  {
    name: 'consumer.config',
    argument: 'required',
    valueName: 'config file',
    description:
      'A properties file with settings of the consumer; [consumer-property] goes before it.',
  },
  {
    name: 'enable-systest-events',
    description: 'Print events in the life of the consumer, too; for system tests.',
  },
  {
    name: 'formatter',
    argument: 'required',
    valueName: 'class',
    description: 'What turns records into output.',
    defaultText: DEFAULT_FORMATTER,
  },
  {
    name: 'formatter-config',
    argument: 'required',
    valueName: 'config file',
    description: 'A properties file with settings of the formatter; [property] goes before it.',
  },
  {
    name: 'from-beginning',
    description:
      'Start with the earliest record instead of the latest, where no offset has been committed.',
  },
  {
    name: 'group',
    argument: 'required',
    valueName: 'consumer group id',
    description: 'The group of the consumer.',
  },
  {
    name: 'include',
    argument: 'required',
    valueName: 'Java regex (String)',
    description: 'The topics to read, as a regular expression.',
  },
  {
    name: 'isolation-level',
    argument: 'required',
    description:
      'read_committed leaves out records of transactions that are open or aborted; ' +
      'read_uncommitted reads all.',
    defaultText: 'read_uncommitted',
  },
  { name: 'key-deserializer', argument: 'required', valueName: 'deserializer for key' },
  {
    name: 'max-messages',
    argument: 'required',
    type: 'Integer',
    valueName: 'num_messages',
    description: 'End after so many records.',
  },
  {
    name: 'offset',
    argument: 'required',
    valueName: 'consume offset',
    description: "Where to start in the partition: a number, 'earliest' or 'latest'",
    defaultText: 'latest',
  },
  {
    name: 'partition',
    argument: 'required',
    type: 'Integer',
    valueName: 'partition',
    description: "The partition to read, from its end on unless '--offset' is given.",
  },
  { name: 'property', argument: 'required', valueName: 'prop', description: formatterHelp },
  {
    name: 'skip-message-on-error',
    description: 'Pass over a record that cannot be formatted instead of ending.',
  },
  {
    name: 'timeout-ms',
    argument: 'required',
    type: 'Long',
    valueName: 'timeout_ms',
    description: 'End when no record has come for so long.',
  },
  {
    name: 'topic',
    argument: 'required',
    valueName: 'topic',
    description: 'The topic to read.',
  },
  { name: 'value-deserializer', argument: 'required', valueName: 'deserializer for values' },
  {
    name: 'whitelist',
    argument: 'required',
    valueName: 'Java regex (String)',
    description: 'DEPRECATED, the older name of --include, which goes before it.',
  },
];

/** A message without the help behind it. */
export class PlainError extends Error {
  override readonly name = 'PlainError';
}

export interface ConsumerPlan {
  /** One of the two. */
  readonly topic: string | null;
  readonly include: string | null;
  readonly partition: number | null;
  readonly start: StartOffset;
  readonly properties: Properties;
}

/** Where a partition chosen by hand is read from. */
export type StartOffset = 'earliest' | 'latest' | number;

/** Throws UsageError, PlainError, ParseError, JavaFailure. */
export const planConsumer = async (
  system: System,
  options: ParsedOptions,
): Promise<ConsumerPlan> => {
  const topic = options.value('topic');
  const include = options.value('include') ?? options.value('whitelist');
  checkRequired(options, 'bootstrap-server');
  if ((topic === null) === (include === null)) {
    throw new UsageError('Exactly one of --include/--topic is required. ');
  }
  const partition = options.number('partition');
  checkPartition(options, { topic, partition });
  const properties = await readProperties(system, options.value('consumer.config'));
  const extra = keyValues(options.values('consumer-property'));
  const groupId = checkGroup(options, { file: properties, extra, partition });
  for (const [name, value] of extra) properties.set(name, value);
  completeProperties(system, properties, { options, groupId });
  return { topic, include, partition, properties, start: startOffset(options) };
};

const checkPartition = (
  options: ParsedOptions,
  { topic, partition }: { topic: string | null; partition: number | null },
): void => {
  if (partition === null) {
    if (!options.has('offset')) return;
    throw new UsageError('The partition is required when offset is specified.');
  }
  if (topic === null) throw new UsageError('The topic is required when partition is specified.');
  if (options.has('from-beginning') && options.has('offset')) {
    throw new UsageError('Options from-beginning and offset cannot be specified together.');
  }
};

/** The group's id from wherever it was given; null for none. */
const checkGroup = (
  options: ParsedOptions,
  given: { file: Properties; extra: Properties; partition: number | null },
): string | null => {
  const ids = [options.value('group'), given.extra.get('group.id'), given.file.get('group.id')];
  const [id = null, other] = new Set(ids.filter((text) => typeof text === 'string'));
  if (other !== undefined) {
    const detected = [...new Set(ids.filter((text) => typeof text === 'string'))];
    throw new UsageError(
      "The group ids provided in different places (directly using '--group', via " +
        "'--consumer-property', " +
        "or via '--consumer.config') do not match. Detected group ids: " +
        detected.map((text) => `'${text}'`).join(', '),
    );
  }
  if (id !== null && given.partition !== null) {
    throw new UsageError('Options group and partition cannot be specified together.');
  }
  return id;
};

/** Without a group one is made up, and nothing is committed for it. */
const GROUP_NUMBER_LIMIT = 100_000;

const completeProperties = (
  system: System,
  properties: Properties,
  { options, groupId }: { options: ParsedOptions; groupId: string | null },
): void => {
  const otherwise = (name: string, value: string): void => {
    if (!properties.has(name)) properties.set(name, value);
  };
  setOffsetReset(options, properties);
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '');
  if (options.has('isolation-level') || !properties.has('isolation.level')) {
    properties.set('isolation.level', options.value('isolation-level') ?? '');
  }
  if (groupId === null) otherwise('enable.auto.commit', 'false');
  const madeUp = `console-consumer-${system.random.int(GROUP_NUMBER_LIMIT)}`;
  properties.set('group.id', groupId ?? madeUp);
  otherwise('client.id', 'console-consumer');
};

const setOffsetReset = (options: ParsedOptions, properties: Properties): void => {
  const given = properties.get('auto.offset.reset');
  if (options.has('from-beginning') && given !== undefined && given !== 'earliest') {
    throw new PlainError(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${given}', ` +
        'please remove one option',
    );
  }
  if (given !== undefined) return;
  properties.set('auto.offset.reset', options.has('from-beginning') ? 'earliest' : 'latest');
};

const startOffset = (options: ParsedOptions): StartOffset => {
  if (!options.has('offset')) return options.has('from-beginning') ? 'earliest' : 'latest';
  const text = options.value('offset') ?? '';
  const word = text.trim().toLowerCase();
  if (word === 'earliest' || word === 'latest') return word;
  const offset = javaInteger(text, 64);
  if (offset !== null && offset >= 0) return offset;
  throw new UsageError(
    `The provided offset value '${text}' is incorrect. Valid values are 'earliest', ` +
      `'latest', or a non-negative long.`,
  );
};

/** The settings of the formatter. */
export const formatterProperties = async (
  system: System,
  options: ParsedOptions,
): Promise<Properties> => {
  const properties = await readProperties(system, options.value('formatter-config'));
  for (const [name, value] of keyValues(options.values('property'))) properties.set(name, value);
  for (const name of ['key', 'value']) {
    const javaClass = options.value(`${name}-deserializer`);
    if (javaClass !== null) properties.set(`${name}.deserializer`, javaClass);
  }
  return properties;
};
