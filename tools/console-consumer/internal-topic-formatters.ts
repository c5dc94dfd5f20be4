/**
 * Records of __consumer_offsets and __transaction_state: as JSON, one behind the other without
 * anything between (Kafka's ApiMessageFormatter), and as the text of the deprecated Scala
 * formatters.
 */
import type { ConsumerRecord } from '../../client/index.ts';
import { decode } from '../../protocol/compile.ts';
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../../protocol/messages/group-log.ts';
import { transactionLogKey, transactionLogValue } from '../../protocol/messages/transaction-log.ts';
import { isInRange, type Message } from '../../protocol/schema.ts';
import { transactionStates } from '../../protocol/transaction-states.ts';
import { type Json, jsonOfFields, jsonText } from '../message-json.ts';
import type { Formatter } from './formatter.ts';

const VERSION_BYTES = 2;

/** What a key's version says about a record: this formatter's, another's, or nobody knows. */
const jsonFormatter = (
  key: Message,
  value: Message,
  others: readonly Message[] = [],
): Formatter => ({
  write: (record, output) => {
    const keyVersion = versionOf(record.key);
    if (keyVersion !== null && others.some((other) => isInRange(other.versions, keyVersion))) {
      return;
    }
    const json = { key: versioned(key, record.key), value: versioned(value, record.value) };
    output.text(jsonText(json));
  },
});

const versionOf = (bytes: Buffer | null): number | null =>
  bytes === null || bytes.length < VERSION_BYTES ? null : bytes.readInt16BE(0);

const versioned = (message: Message, bytes: Buffer | null): Json => {
  const version = versionOf(bytes);
  if (bytes === null || version === null) return null;
  if (!isInRange(message.versions, version)) return { version, data: 'unknown' };
  const data = decode(message, version, bytes, VERSION_BYTES) as Record<string, unknown>;
  return { version, data: jsonOfFields(message.fields, version, data) };
};

export const offsetsFormatter = jsonFormatter(offsetCommitKey, offsetCommitValue, [
  groupMetadataKey,
]);
export const groupMetadataFormatter = jsonFormatter(groupMetadataKey, groupMetadataValue, [
  offsetCommitKey,
]);
export const transactionsFormatter = jsonFormatter(transactionLogKey, transactionLogValue);

const orEmpty = (value: number): string => (value === -1 ? 'Optional.empty' : `Optional[${value}]`);

/** Calls `line` for records with a known key. */
const textFormatter = (
  key: Message,
  line: (record: ConsumerRecord, version: number, bytes: Buffer) => string,
): Formatter => ({
  write: (record, output) => {
    const version = versionOf(record.key);
    if (version === null || record.key === null || !isInRange(key.versions, version)) return;
    output.text(`${line(record, version, record.key)}\n`);
  },
});

export const oldOffsetsFormatter = textFormatter(offsetCommitKey, ({ value }, version, bytes) => {
  const { group, topic, partition } = decode(offsetCommitKey, version, bytes, VERSION_BYTES);
  const place = `[${group},${topic},${partition}]`;
  if (value === null) return `${place}::NULL`;
  const commit = decode(offsetCommitValue, value.readInt16BE(0), value, VERSION_BYTES);
  const { expireTimestamp } = commit;
  const fields = [
    `offset=${commit.offset}`,
    `leaderEpoch=${orEmpty(commit.leaderEpoch)}`,
    `metadata=${commit.metadata}`,
    `commitTimestamp=${commit.commitTimestamp}`,
    `expireTimestamp=${expireTimestamp === -1 ? 'None' : `Some(${expireTimestamp})`}`,
  ];
  return `${place}::OffsetAndMetadata(${fields.join(', ')})`;
});

export const oldTransactionsFormatter = textFormatter(
  transactionLogKey,
  ({ value }, version, bytes) => {
    const { transactionalId } = decode(transactionLogKey, version, bytes, VERSION_BYTES);
    if (value === null) return `${transactionalId}::NULL`;
    const state = decode(transactionLogValue, value.readInt16BE(0), value, VERSION_BYTES);
    const partitions = (state.transactionPartitions ?? []).flatMap(({ topic, partitionIds }) =>
      partitionIds.map((partition) => `${topic}-${partition}`),
    );
    const fields = [
      `transactionalId=${transactionalId}`,
      `producerId=${state.producerId}`,
      `producerEpoch=${state.producerEpoch}`,
      `txnTimeoutMs=${state.transactionTimeoutMs}`,
      `state=${transactionStates[state.transactionStatus] ?? state.transactionStatus}`,
      'pendingState=None',
      `topicPartitions=HashSet(${partitions.join(', ')})`,
      `txnStartTimestamp=${state.transactionStartTimestampMs}`,
      `txnLastUpdateTimestamp=${state.transactionLastUpdateTimestampMs}`,
    ];
    return `${transactionalId}::TransactionMetadata(${fields.join(', ')})`;
  },
);
