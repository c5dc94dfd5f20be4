/**
 * What is shown of keys and values, by the decoder options. Where several are given, the first in the
 * order below counts, as in Kafka.
 */
import { deserializerOf } from '../console-consumer/deserializers.ts';
import { JavaFailure } from '../options/java-failure.ts';
import type { ParsedOptions } from '../options/parser.ts';
import type { RecordParser } from './dumped-record.ts';
import { underflow } from './java-buffer.ts';
import { javaText } from './java-text.ts';
import { clusterMetadataParser, remoteLogMetadataParser } from './metadata-parsers.ts';
import { offsetsParser } from './offsets-parser.ts';
import type { TextOutput } from './text-output.ts';
import { transactionsParser } from './transactions-parser.ts';

const byOption: readonly (readonly [string, RecordParser])[] = [
  ['offsets-decoder', offsetsParser],
  ['transaction-log-decoder', transactionsParser],
  ['cluster-metadata-decoder', clusterMetadataParser],
  ['remote-log-metadata-decoder', remoteLogMetadataParser],
];

/** Old names of classes are told on `output`. Throws JavaFailure for an unknown class. */
export const recordParser = (options: ParsedOptions, output: TextOutput): RecordParser => {
  const found = byOption.find(([name]) => options.has(name));
  if (found !== undefined) return found[1];
  const valueDecoder = decoderOf(options.value('value-decoder-class') ?? '', output);
  const keyDecoder = decoderOf(options.value('key-decoder-class') ?? '', output);
  return ({ key, value }) => ({
    key: key === null ? null : keyDecoder(key),
    payload: value === null ? null : valueDecoder(value),
  });
};

type Decoder = (bytes: Buffer) => string;

const NEW_PACKAGE = 'org.apache.kafka.tools.api.';
const OLD_PACKAGE = 'kafka.serializer.';

/** A number at the beginning; what comes behind it does not matter. */
const number =
  (bytesMin: number, read: Decoder): Decoder =>
  (bytes) => {
    if (bytes.length >= bytesMin) return read(bytes);
    throw underflow();
  };

const decoders: Readonly<{ [name: string]: Decoder }> = {
  StringDecoder: javaText,
  LongDecoder: number(8, (bytes) => String(bytes.readBigInt64BE())),
  IntegerDecoder: number(4, (bytes) => String(bytes.readInt32BE())),
  DefaultDecoder:
    deserializerOf('org.apache.kafka.common.serialization.ByteArrayDeserializer') ?? String,
};

const decoderOf = (javaClass: string, output: TextOutput): Decoder => {
  const name = javaClass.slice(javaClass.lastIndexOf('.') + 1);
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (decoder !== undefined && javaClass === NEW_PACKAGE + name) return decoder;
  if (decoder !== undefined && javaClass === OLD_PACKAGE + name) {
    output.line(`${javaClass} is deprecated. Please use ${NEW_PACKAGE}${name} instead`);
    return decoder;
  }
  throw new JavaFailure('java.lang.ClassNotFoundException', javaClass);
};
