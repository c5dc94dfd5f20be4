/**
 * kafka-topics: reads its options, asks the cluster, prints. Failures are told twice, as Kafka's
 * TopicCommand does.
 */
import {
  type Admin,
  createAdmin,
  TimeoutError,
  type TopicInfo,
  throwFirst,
} from '../../client/index.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { System } from '../../system/system.ts';
import { answerHelp, printUsage, type Terminal, UsageError } from '../cli.ts';
import { adminOptions } from '../options/client-settings.ts';
import { failureText, illegalArgument, JavaFailure, messageOf } from '../options/java-failure.ts';
import { type ParsedOptions, parseOptions } from '../options/parser.ts';
import { readProperties } from '../options/properties.ts';
import { logLine } from '../output.ts';
import { alterTopics, createTopic } from './create.ts';
import { describeTopics } from './describe.ts';
import { type Action, checkTopicsOptions, topicsOptions } from './options.ts';
import { topicPattern } from './topic-pattern.ts';

const PURPOSE = 'Create, delete, describe, or change a topic.';
const HELP_PURPOSE = 'This tool helps to create, delete, describe, or change a topic.';

export const topics = async (
  system: System,
  terminal: Terminal,
  args: readonly string[],
): Promise<number> => {
  if (args.length === 0) return printUsage(terminal, topicsOptions, PURPOSE);
  try {
    const options = parseOptions(topicsOptions, args);
    const answered = await answerHelp(terminal, options, {
      table: topicsOptions,
      purpose: HELP_PURPOSE,
    });
    if (answered !== null) return answered;
    if (!options.has('bootstrap-server')) {
      throw illegalArgument('--bootstrap-server must be specified');
    }
    const action = checkTopicsOptions(options);
    return await withAdmin(system, terminal, { options, action });
  } catch (error) {
    if (error instanceof UsageError) return printUsage(terminal, topicsOptions, error.message);
    await terminal.printError(`${messageOf(error)}\n${failureText(error)}\n`);
    return 1;
  }
};

interface Request {
  readonly options: ParsedOptions;
  readonly action: Action;
}

const withAdmin = async (system: System, terminal: Terminal, request: Request): Promise<number> => {
  const admin = await openAdmin(system, request.options);
  try {
    await carryOut(admin, terminal, request);
    return 0;
  } catch (error) {
    const failure = error instanceof TimeoutError ? timedOut(error, request.action) : error;
    const message = messageOf(failure);
    await terminal.print(`Error while executing topic command : ${message}\n`);
    const logger = 'org.apache.kafka.tools.TopicCommand';
    await terminal.printError(logLine(system.clock.nowMs(), 'ERROR', failureText(failure), logger));
    return 1;
  } finally {
    admin.close();
  }
};

const openAdmin = async (system: System, options: ParsedOptions): Promise<Admin> => {
  const properties = await readProperties(system, options.value('command-config'));
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '');
  try {
    return createAdmin(system, adminOptions(properties));
  } catch (cause) {
    const message = 'Failed to create new KafkaAdminClient';
    throw new JavaFailure('org.apache.kafka.common.KafkaException', message, { cause });
  }
};

/** Where no broker was found at all, Kafka says which call waited for one. */
const timedOut = (error: TimeoutError, action: Action): Error => {
  if (!error.message.includes('finding the cluster')) return error;
  const call = action === 'create' ? 'createTopics' : 'listTopics';
  return new TimeoutError(`Timed out waiting for a node assignment. Call: ${call}`);
};

const carryOut = async (
  admin: Admin,
  terminal: Terminal,
  { options, action }: Request,
): Promise<void> => {
  if (action === 'create') return createTopic(admin, terminal, options);
  const found = await selectTopics(admin, terminal, { options, action });
  const names = found.map(({ name }) => name);
  if (action === 'list') await terminal.print(`${names.join('\n')}\n`);
  else if (action === 'describe') await terminal.print(await describeTopics(admin, options, found));
  else if (found.length === 0) return;
  else if (action === 'alter') await alterTopics(admin, options, found);
  else throwFirst(await admin.deleteTopics(names));
};

/** The topics that the options name, sorted; throws when there have to be some. */
const selectTopics = async (
  admin: Admin,
  terminal: Terminal,
  { options, action }: Request,
): Promise<TopicInfo[]> => {
  const wantedId = action === 'describe' ? topicId(options) : null;
  const text = options.value('topic');
  if (wantedId !== null && text !== null && options.has('if-exists')) {
    await terminal.print(`${BOTH_GIVEN}\n`);
  }
  const matches = text === null ? () => true : topicPattern(text);
  const found = (await admin.listTopics())
    .filter(({ name, topicId: id, isInternal }) => {
      if (wantedId !== null) return id === wantedId;
      return matches(name) && !(isInternal && options.has('exclude-internal'));
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length > 0 || action === 'list' || options.has('if-exists')) return found;
  if (wantedId !== null) throw illegalArgument(`TopicId '${wantedId}' does not exist as expected`);
  // The Optional is in Kafka's own sentence.
  if (text !== null) throw illegalArgument(`Topic 'Optional[${text}]' does not exist as expected`);
  return found;
};

const BOTH_GIVEN =
  'Only topic id will be used when both --topic and --topic-id are specified and ' +
  'topicId is not Uuid.ZERO_UUID';
const UUID_BYTES = 16;

const topicId = (options: ParsedOptions): string | null => {
  const text = options.value('topic-id');
  if (text === null || text === ZERO_UUID) return null;
  const { length } = Buffer.from(text, 'base64url');
  if (length === UUID_BYTES) return text;
  throw illegalArgument(
    `Input string \`${text}\` decoded as ${length} bytes, which is not equal to the expected ` +
      `${UUID_BYTES} bytes of a base64-encoded UUID`,
  );
};
