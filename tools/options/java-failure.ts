/**
 * Failures under the names that Java gives them, because Kafka's tools print exception classes and
 * scripts look for them. Stack frames are not imitated.
 */

import { ConfigError } from '../../broker/config/setting.ts';
import {
  ClientClosed,
  ConfigError as ClientConfigError,
  CommitFailed,
  NoOffset,
  RecordTooLarge,
  TimeoutError,
} from '../../client/errors.ts';
import { UnsupportedVersion } from '../../network/errors.ts';
import { errorOf, ProtocolError } from '../../protocol/errors.ts';
import { ParseError } from './parser.ts';

/** A failure that has a Java class of its own. */
export class JavaFailure extends Error {
  override readonly name = 'JavaFailure';
  readonly javaClass: string;

  constructor(javaClass: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.javaClass = javaClass;
  }
}

export const illegalArgument = (message: string): JavaFailure =>
  new JavaFailure('java.lang.IllegalArgumentException', message);

const API_ERRORS = 'org.apache.kafka.common.errors.';

/** Classes that are not simply the code's name with "Exception" behind it. */
const irregular: Readonly<Record<string, string>> = {
  CORRUPT_MESSAGE: 'CorruptRecordException',
  INVALID_CONFIG: 'InvalidConfigurationException',
  INVALID_RECORD: 'org.apache.kafka.common.InvalidRecordException',
  INVALID_TOPIC_EXCEPTION: 'InvalidTopicException',
  MESSAGE_TOO_LARGE: 'RecordTooLargeException',
  NO_REASSIGNMENT_IN_PROGRESS: 'NoReassignmentInProgressException',
  POLICY_VIOLATION: 'PolicyViolationException',
  RECORD_LIST_TOO_LARGE: 'RecordBatchTooLargeException',
  REQUEST_TIMED_OUT: 'TimeoutException',
  TOPIC_ALREADY_EXISTS: 'TopicExistsException',
  CLUSTER_AUTHORIZATION_FAILED: 'ClusterAuthorizationException',
  GROUP_AUTHORIZATION_FAILED: 'GroupAuthorizationException',
  TOPIC_AUTHORIZATION_FAILED: 'TopicAuthorizationException',
};

const classOfCode = (code: number): string => {
  const { name } = errorOf(code);
  const words = name.split('_').map((word) => word[0] + word.slice(1).toLowerCase());
  const javaClass = irregular[name] ?? `${words.join('')}Exception`;
  return javaClass.includes('.') ? javaClass : API_ERRORS + javaClass;
};

/** The Java class of a failure. */
export const javaClassOf = (error: unknown): string => {
  if (error instanceof JavaFailure) return error.javaClass;
  if (error instanceof ParseError) return `joptsimple.${error.javaName}`;
  if (error instanceof ProtocolError) return classOfCode(error.code);
  if (error instanceof TimeoutError) return `${API_ERRORS}TimeoutException`;
  if (error instanceof RecordTooLarge) return `${API_ERRORS}RecordTooLargeException`;
  if (error instanceof UnsupportedVersion) return `${API_ERRORS}UnsupportedVersionException`;
  if (error instanceof NoOffset)
    return 'org.apache.kafka.clients.consumer.NoOffsetForPartitionException';
  if (error instanceof CommitFailed)
    return 'org.apache.kafka.clients.consumer.CommitFailedException';
  if (error instanceof ConfigError || error instanceof ClientConfigError)
    return 'org.apache.kafka.common.config.ConfigException';
  // The broker's own words about one record of a batch that it has refused.
  if (error instanceof Error && error.cause instanceof ProtocolError) {
    return classOfCode(error.cause.code);
  }
  if (error instanceof ClientClosed) return 'java.lang.IllegalStateException';
  return 'org.apache.kafka.common.KafkaException';
};

/** What Java's printStackTrace writes, without the frames; its last line ended. */
export const failureText = (error: unknown): string => {
  let text = `${failureLine(error)}\n`;
  for (const cause of causesOf(error)) text += `Caused by: ${cause}\n`;
  return text;
};

const failureLine = (error: unknown): string => {
  const message = messageOf(error);
  return message === '' ? javaClassOf(error) : `${javaClassOf(error)}: ${message}`;
};

/** The message; our clients' sentences about settings begin like Java's. */
export const messageOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ClientConfigError)) return message;
  return message.charAt(0).toUpperCase() + message.slice(1);
};

const causesOf = (error: unknown): string[] => {
  if (error instanceof ParseError && error.reason !== null) {
    return [`joptsimple.internal.ReflectionException: ${error.reason}`, error.reason];
  }
  // Other causes are Node's, and say nothing in Java's terms.
  if (!(error instanceof JavaFailure) || error.cause === undefined) return [];
  return [failureLine(error.cause), ...causesOf(error.cause)];
};
