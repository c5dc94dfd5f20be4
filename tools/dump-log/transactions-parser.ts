/** Records of __transaction_state as text (Kafka's TransactionLog). */
import { decode } from '../../protocol/compile.ts';
import { javaHash } from '../../protocol/java-hash.ts';
import { transactionLogKey, transactionLogValue } from '../../protocol/messages/transaction-log.ts';
import { isInRange } from '../../protocol/schema.ts';
import { transactionStates } from '../../protocol/transaction-states.ts';
import { JavaFailure } from '../options/java-failure.ts';
import { decoding } from './decode-failure.ts';
import type { RecordParser } from './dumped-record.ts';
import { underflow } from './java-buffer.ts';
import { ScalaTable } from './scala-order.ts';

const VERSION_BYTES = 2;

/** Throws JavaFailure for what no coordinator has written. */
export const transactionsParser: RecordParser = ({ key, value }) => {
  if (key === null) {
    throw new JavaFailure(
      'java.lang.NullPointerException',
      'Cannot invoke "java.nio.ByteBuffer.getShort()" because "buffer" is null',
    );
  }
  const version = versionOf(key);
  if (!isInRange(transactionLogKey.versions, version)) {
    return { key: `unknown::version=${version}`, payload: null };
  }
  const { transactionalId } = decoding(() =>
    decode(transactionLogKey, version, key, VERSION_BYTES),
  );
  return {
    key: `transaction_metadata::transactionalId=${transactionalId}`,
    payload: value === null ? '<DELETE>' : stateText(value),
  };
};

const versionOf = (bytes: Buffer): number => {
  if (bytes.length >= VERSION_BYTES) return bytes.readInt16BE(0);
  throw underflow();
};

const illegalState = (message: string): JavaFailure =>
  new JavaFailure('java.lang.IllegalStateException', message);

const stateText = (bytes: Buffer): string => {
  const version = versionOf(bytes);
  if (!isInRange(transactionLogValue.versions, version)) {
    throw illegalState(`Unknown version ${version} from the transaction log message value`);
  }
  const value = decoding(() => decode(transactionLogValue, version, bytes, VERSION_BYTES));
  const state = transactionStates[value.transactionStatus];
  if (state === undefined) {
    throw illegalState(
      `Unknown transaction state id ${value.transactionStatus} from the transaction status message`,
    );
  }
  const partitions = state === 'Empty' ? [] : partitionNames(value.transactionPartitions ?? []);
  return (
    `producerId:${value.producerId},producerEpoch:${value.producerEpoch},state=${state},` +
    `partitions=[${partitions.join(',')}],` +
    `txnLastUpdateTimestamp=${value.transactionLastUpdateTimestampMs},` +
    `txnTimeoutMs=${value.transactionTimeoutMs}`
  );
};

/** In the order of a Scala set of partitions, to which topic by topic was added. */
const partitionNames = (
  topics: readonly { readonly topic: string; readonly partitionIds: readonly number[] }[],
): string[] => {
  const table = new ScalaTable();
  const hashes = new Map<string, number>();
  for (const { topic, partitionIds } of topics) {
    const partitions = new Set(partitionIds);
    table.beforeAll(partitions.size);
    for (const partition of partitions) {
      table.beforePut(hashes.size);
      hashes.set(`${topic}-${partition}`, (31 * (31 + partition) + javaHash(topic)) | 0);
    }
  }
  return table.sorted([...hashes.keys()], (name) => hashes.get(name) ?? 0);
};
