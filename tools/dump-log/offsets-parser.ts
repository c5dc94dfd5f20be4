/**
 * Records of __consumer_offsets as JSON (Kafka's OffsetsMessageParser). What consumers put into a
 * group's metadata is decoded, too, where it can be.
 */
import { decode } from '../../protocol/compile.ts';
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from '../../protocol/messages/consumer-protocol.ts';
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../../protocol/messages/group-log.ts';
import { isInRange, type Message } from '../../protocol/schema.ts';
import { type Json, jsonOfFields, jsonText } from '../message-json.ts';
import { JavaFailure } from '../options/java-failure.ts';
import { decoding } from './decode-failure.ts';
import type { RecordParser } from './dumped-record.ts';

const VERSION_BYTES = 2;
const CONSUMER_PROTOCOL = 'consumer';

/** The version of a key is the type of its record. */
const types = [
  { key: offsetCommitKey, value: offsetCommitValue },
  { key: groupMetadataKey, value: groupMetadataValue },
] as const;

/** Throws JavaFailure for a record without a key: no group has written that. */
export const offsetsParser: RecordParser = ({ offset, key, value }) => {
  if (key === null) {
    throw new JavaFailure(
      'java.lang.RuntimeException',
      `Failed to decode message at offset ${offset} using offset topic decoder ` +
        '(message had a missing key)',
    );
  }
  try {
    const version = versionOf(key, 'key');
    const type = types.find((entry) => isInRange(entry.key.versions, version));
    if (type === undefined) {
      const unknown = `Unknown record type ${version} at offset ${offset}, skipping.`;
      return { key: unknown, payload: null };
    }
    const keyJson = { type: String(version), data: jsonOfBytes(type.key, version, key, 'key') };
    const payload = value === null ? '<DELETE>' : jsonText(valueJson(type.value, value));
    return { key: jsonText(keyJson), payload };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { key: `Error at offset ${offset}, skipping. ${reason}`, payload: null };
  }
};

const versionOf = (bytes: Buffer, name: string): number => {
  if (bytes.length >= VERSION_BYTES) return bytes.readInt16BE(0);
  throw new Error(`Could not read version from ${name}'s buffer.`);
};

const jsonOfBytes = (
  message: Message,
  version: number,
  bytes: Buffer,
  name: string,
): Record<string, Json> => {
  try {
    const value = decoding(() => decode(message, version, bytes, VERSION_BYTES));
    return jsonOfFields(message.fields, version, value as Record<string, unknown>);
  } catch (cause) {
    // Java's exception about bytes that end too early has no message.
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'null';
    throw new Error(
      `Could not read record with version ${version} from ${name}'s buffer due to: ${reason}.`,
      { cause },
    );
  }
};

const valueJson = (message: Message, bytes: Buffer): Json => {
  const version = versionOf(bytes, 'value');
  const data = jsonOfBytes(message, version, bytes, 'value');
  const isOfConsumers = message === groupMetadataValue && data.protocolType === CONSUMER_PROTOCOL;
  const members = isOfConsumers ? { members: (data.members as MemberJson[]).map(decoded) } : {};
  return { version: String(version), data: { ...data, ...members } };
};

interface MemberJson {
  readonly [name: string]: Json;
}

const decoded = (member: MemberJson): MemberJson => ({
  ...member,
  subscription: embedded(consumerProtocolSubscription, member.subscription),
  assignment: embedded(consumerProtocolAssignment, member.assignment),
});

/** The bytes' content; what cannot be decoded stays base64. */
const embedded = (message: Message, base64: Json | undefined): Json => {
  const bytes = Buffer.from(String(base64), 'base64');
  try {
    return jsonOfBytes(message, versionOf(bytes, ''), bytes, '');
  } catch {
    // A client may send anything under the name of the protocol.
    return base64 ?? null;
  }
};
