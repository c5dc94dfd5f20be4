/**
 * kafka-topics --create and --alter: what the options ask for, checked as Kafka checks it before
 * anything is sent.
 */
import { checkTopicConfigs } from '../../broker/config/topic-configs.ts';
import { type Admin, type NewTopic, throwFirst } from '../../client/index.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { Terminal } from '../cli.ts';
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';
import { javaInteger, type ParsedOptions } from '../options/parser.ts';

const COLLISION_WARNING =
  "WARNING: Due to limitations in metric names, topics with a period ('.') or " +
  "underscore ('_') could collide. " +
  'To avoid issues it is best to use either, but not both.\n';

/** Creates the topic; says so, or nothing when it exists and may exist. */
export const createTopic = async (
  admin: Admin,
  terminal: Terminal,
  options: ParsedOptions,
): Promise<void> => {
  const topic = newTopic(options);
  if (/[._]/.test(topic.name)) await terminal.print(COLLISION_WARNING);
  checkTopic(topic);
  try {
    throwFirst(await admin.createTopics([topic]));
  } catch (error) {
    const exists = error instanceof ProtocolError && error.code === errorCodes.TOPIC_ALREADY_EXISTS;
    if (exists && options.has('if-not-exists')) return;
    throw error;
  }
  await terminal.print(`Created topic ${topic.name}.\n`);
};

const newTopic = (options: ParsedOptions): NewTopic => {
  const assignments = assignmentsGiven(options);
  const numPartitions = options.number('partitions');
  const replicationFactor = options.number('replication-factor');
  return {
    name: options.value('topic') ?? '',
    configs: parseConfigs(options.values('config')),
    ...(numPartitions === null ? {} : { numPartitions }),
    ...(replicationFactor === null ? {} : { replicationFactor }),
    ...(assignments === null ? {} : { assignments: new Map(assignments.entries()) }),
  };
};

const checkTopic = ({ name, numPartitions, replicationFactor, configs = {} }: NewTopic): void => {
  if (replicationFactor !== undefined && (replicationFactor < 1 || replicationFactor > 32_767)) {
    throw illegalArgument('The replication factor must be between 1 and 32767 inclusive');
  }
  if (numPartitions !== undefined && numPartitions < 1) {
    throw illegalArgument('The partitions must be greater than 0');
  }
  checkTopicConfigs(new Map(Object.entries(configs)), new Map());
  if (name === '') {
    throw new ProtocolError(
      errorCodes.INVALID_TOPIC_EXCEPTION,
      "The given topic name '' cannot be represented in a request.",
    );
  }
};

const parseConfigs = (words: readonly string[]): Record<string, string> => {
  const pairs = words.map((word) => word.split(/\s*=\s*/));
  if (pairs.some(([, value, more]) => value === undefined || value === '' || more !== undefined)) {
    throw illegalArgument(
      'requirement failed: Invalid topic config: all configs to be added must be in ' +
        'the format "key=val".',
    );
  }
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name.trim(), value.trim()]));
};

const assignmentsGiven = (options: ParsedOptions): number[][] | null => {
  const text = options.value('replica-assignment');
  return text === null || text === '' ? null : parseAssignments(text);
};

/** Replicas by partition out of `1:2,2:3`; throws JavaFailure. */
export const parseAssignments = (text: string): number[][] => {
  const partitions: number[][] = [];
  for (const [partition, part] of text.replace(/,+$/, '').split(',').entries()) {
    const replicas = part.split(':').map((word) => parseBroker(word.trim()));
    const twice = replicas.filter((id, index) => replicas.indexOf(id) !== index);
    if (twice.length > 0) {
      throw new JavaFailure(
        'org.apache.kafka.server.common.AdminCommandFailedException',
        'Partition replica lists may not contain duplicate entries: ' +
          `${[...new Set(twice)].join(',')}`,
      );
    }
    if (replicas.length !== (partitions[0] ?? replicas).length) {
      throw new JavaFailure(
        'org.apache.kafka.server.common.AdminOperationException',
        `Partition ${partition} has different replication factor: [${replicas.join(', ')}]`,
      );
    }
    partitions.push(replicas);
  }
  return partitions;
};

const parseBroker = (word: string): number => {
  const id = javaInteger(word, 32);
  if (id !== null) return id;
  throw new JavaFailure('java.lang.NumberFormatException', `For input string: "${word}"`);
};

/**
 * Raises the partition counts of topics; of the assignments given the first stand for partitions
 * that exist.
 */
export const alterTopics = async (
  admin: Admin,
  options: ParsedOptions,
  topics: readonly { readonly name: string; readonly partitions: readonly unknown[] }[],
): Promise<void> => {
  const assignments = assignmentsGiven(options);
  const count = options.number('partitions') ?? 0;
  const changes = topics.map(({ name, partitions }) =>
    assignments === null
      ? { name, count }
      : { name, count, assignments: assignments.slice(partitions.length) },
  );
  throwFirst(await admin.createPartitions(changes));
};
