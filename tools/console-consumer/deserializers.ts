/**
 * What Java's deserializers make of bytes, as text (`deserialize(...).toString()`), by class name.
 */
import { doubleText } from '../../broker/config/setting.ts';
import { javaHash } from '../../protocol/java-hash.ts';
import { JavaFailure } from '../options/java-failure.ts';

export type Deserializer = (bytes: Buffer) => string;

const PACKAGE = 'org.apache.kafka.common.serialization.';

const serializationFailure = (message: string): JavaFailure =>
  new JavaFailure('org.apache.kafka.common.errors.SerializationException', message);

/** Bytes of exactly one size. */
const sized =
  (size: number, whose: string, read: Deserializer): Deserializer =>
  (bytes) => {
    if (bytes.length === size) return read(bytes);
    throw serializationFailure(`Size of data received by ${whose} is not ${size}`);
  };

const deserializers: Readonly<Record<string, Deserializer>> = {
  StringDeserializer: (bytes) => bytes.toString('utf8'),
  // Java shows an array by its class and a number that stands for its identity.
  ByteArrayDeserializer: (bytes) => `[B@${(javaHash(bytes.toString('latin1')) >>> 0).toString(16)}`,
  BytesDeserializer: (bytes) => escaped(bytes),
  ByteBufferDeserializer: ({ length }) =>
    `java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]`,
  ShortDeserializer: sized(2, 'ShortDeserializer', (bytes) => String(bytes.readInt16BE())),
  IntegerDeserializer: sized(4, 'IntegerDeserializer', (bytes) => String(bytes.readInt32BE())),
  LongDeserializer: sized(8, 'LongDeserializer', (bytes) => String(bytes.readBigInt64BE())),
  FloatDeserializer: sized(4, 'Deserializer', (bytes) => floatText(bytes.readFloatBE())),
  DoubleDeserializer: sized(8, 'Deserializer', (bytes) => numberText(bytes.readDoubleBE())),
  UUIDDeserializer: (bytes) => uuidText(bytes.toString('utf8')),
  BooleanDeserializer: sized(1, 'BooleanDeserializer', ([byte]) => {
    if (byte === 0 || byte === 1) return String(byte === 1);
    throw serializationFailure(`Unexpected byte received by BooleanDeserializer: ${byte}`);
  }),
};

/** The deserializer of a Java class; null when there is none. */
export const deserializerOf = (javaClass: string): Deserializer | null => {
  if (!javaClass.startsWith(PACKAGE)) return null;
  return deserializers[javaClass.slice(PACKAGE.length)] ?? null;
};

/** Kafka's Bytes.toString. */
const escaped = (bytes: Buffer): string => {
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x5c;
    text += isPlain
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
};

const numberText = (value: number): string =>
  Number.isFinite(value) ? doubleText(value) : String(value);

const FLOAT_DIGITS_MAX = 9;

/** The shortest decimal that is this float. */
const floatText = (value: number): string => {
  for (let digits = 1; digits < FLOAT_DIGITS_MAX; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return numberText(short);
  }
  return numberText(value);
};

const uuidText = (text: string): string => {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw serializationFailure('Error parsing data into UUID');
};
