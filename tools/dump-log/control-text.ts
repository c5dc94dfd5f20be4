/** What is shown of a control record: the end of a transaction, or the kind of what KRaft writes. */
import { JavaFailure } from '../options/java-failure.ts';
import type { RecordContent } from './dumped-record.ts';

const KEY_BYTES = 4;
const MARKER_BYTES = 6;
/** By number. */
const names = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
];

/** Throws JavaFailure. */
export const controlText = ({ key, value }: Pick<RecordContent, 'key' | 'value'>): string => {
  const type = typeOf(key);
  if (type !== 0 && type !== 1) return ` controlType: ${names[type] ?? 'UNKNOWN'}(${type})`;
  if (value === null) throw nullBuffer('java.nio.ByteBuffer.remaining()', 'value');
  const what = 'end transaction marker';
  if (value.length < MARKER_BYTES) {
    throw invalid(
      `Invalid value size found for ${what}. Must have at least ${MARKER_BYTES} bytes, ` +
        `but found only ${value.length}`,
    );
  }
  checkVersion(value, what);
  return ` endTxnMarker: ${names[type]} coordinatorEpoch: ${value.readInt32BE(2)}`;
};

const typeOf = (key: Buffer | null): number => {
  if (key === null) throw nullBuffer('java.nio.ByteBuffer.remaining()', 'key');
  if (key.length < KEY_BYTES) {
    throw invalid(
      `Invalid value size found for end control record key. Must have at least ${KEY_BYTES} ` +
        `bytes, but found only ${key.length}`,
    );
  }
  checkVersion(key, 'control record');
  return key.readInt16BE(2);
};

const checkVersion = (bytes: Buffer, what: string): void => {
  const version = bytes.readInt16BE(0);
  if (version >= 0) return;
  throw invalid(`Invalid version found for ${what}: ${version}. May indicate data corruption`);
};

const invalid = (message: string): JavaFailure =>
  new JavaFailure('org.apache.kafka.common.InvalidRecordException', message);

const nullBuffer = (call: string, name: string): JavaFailure =>
  new JavaFailure(
    'java.lang.NullPointerException',
    `Cannot invoke "${call}" because "${name}" is null`,
  );
