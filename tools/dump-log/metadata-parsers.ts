/**
 * Values of KRaft's metadata log and of the topic of tiered storage. A cluster with ZooKeeper has
 * neither, so that only the frame is read: what Kafka says of any other log is the same.
 */
import { Reader } from '../../protocol/bytes.ts';
import type { RecordParser } from './dumped-record.ts';

const FRAME_VERSION = 1;
const INT16_MAX = 2 ** 15 - 1;
const METADATA_TYPE_MAX = 27;
const REMOTE_TYPE_MAX = 3;

export const clusterMetadataParser: RecordParser = (record) => ({
  key: null,
  payload: `Error at ${record.offset}, skipping. ${whyNot(record.value, METADATA_TYPE_MAX)}`,
});

export const remoteLogMetadataParser: RecordParser = (record) => ({
  key: null,
  payload: `Error at offset ${record.offset}, skipping. ${whyNotRemote(record.value)}`,
});

const whyNotRemote = (value: Buffer | null): string =>
  value === null
    ? 'Cannot invoke "java.nio.ByteBuffer.remaining()" because the return value of ' +
      '"org.apache.kafka.common.record.Record.value()" is null'
    : whyNot(value, REMOTE_TYPE_MAX);

/** Why the value cannot be shown: version of the frame, type and version of the record, content. */
const whyNot = (value: Buffer | null, typeMax: number): string => {
  const reader = new Reader(value ?? Buffer.alloc(0));
  const frame = shortOf(reader, 'frame version');
  if (typeof frame === 'string') return frame;
  if (frame === 0) {
    return (
      'Could not deserialize metadata record with frame version 0. Note that upgrades from the ' +
      'preview release of KRaft in 2.8 to newer versions are not supported.'
    );
  }
  if (frame !== FRAME_VERSION) {
    return (
      `Could not deserialize metadata record due to unknown frame version ${frame}` +
      `(only frame version ${FRAME_VERSION} is supported)`
    );
  }
  const type = shortOf(reader, 'type');
  if (typeof type === 'string') return type;
  const version = shortOf(reader, 'version');
  if (typeof version === 'string') return version;
  if (type < 0 || type > typeMax) {
    return `org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id ${type}`;
  }
  return `Failed to deserialize record with type ${type}`;
};

/** A number, or why there is none. */
const shortOf = (reader: Reader, name: string): number | string => {
  let value: number;
  try {
    value = reader.uvarint() | 0;
  } catch {
    return `Error while reading ${name}`;
  }
  return value > INT16_MAX ? `Value for ${name} was too large.` : (value << 16) >> 16;
};
