/**
 * Records as lines: timestamp, partition, offset, headers, key and value, as far as asked for
 * (DefaultMessageFormatter).
 */
import type { ConsumerRecord } from '../../client/index.ts';
import { failureText, JavaFailure } from '../options/java-failure.ts';
import type { Properties } from '../options/properties.ts';
import { type Deserializer, deserializerOf } from './deserializers.ts';
import type { Formatter, LogError } from './formatter.ts';
import type { OutputBuffer } from './output-buffer.ts';

const LOGGER = 'org.apache.kafka.tools.consumer.DefaultMessageFormatter';
const timestampTypes = { createTime: 'CreateTime', logAppendTime: 'LogAppendTime' } as const;

/** `logError` is told of deserializers that there are not; bytes then pass as they are. */
export const defaultFormatter = (properties: Properties, logError: LogError): Formatter => {
  const isOn = (name: string, otherwise = false): boolean =>
    properties.has(name) ? properties.get(name)?.trim().toLowerCase() === 'true' : otherwise;
  const bytesOf = (name: string, otherwise: string): Buffer =>
    Buffer.from(properties.get(name) ?? otherwise);
  const deserializer = (name: string): Deserializer | null => {
    const javaClass = properties.get(`${name}.deserializer`) ?? '';
    if (javaClass === '') return null;
    const found = deserializerOf(javaClass);
    if (found === null) {
      const failure = new JavaFailure('java.lang.ClassNotFoundException', javaClass);
      const message = `Unable to instantiate a deserializer from ${javaClass}`;
      logError(message, LOGGER, failureText(failure));
    }
    return found;
  };
  return new DefaultFormatter({
    shows: {
      timestamp: isOn('print.timestamp'),
      partition: isOn('print.partition'),
      offset: isOn('print.offset'),
      headers: isOn('print.headers'),
      key: isOn('print.key'),
      value: isOn('print.value', true),
    },
    separator: bytesOf('key.separator', '\t'),
    lineSeparator: bytesOf('line.separator', '\n'),
    headersSeparator: bytesOf('headers.separator', ','),
    nullLiteral: bytesOf('null.literal', 'null'),
    key: deserializer('key'),
    value: deserializer('value'),
    headers: deserializer('headers'),
  });
};

type Field = 'timestamp' | 'partition' | 'offset' | 'headers' | 'key' | 'value';

interface Settings {
  readonly shows: Readonly<Record<Field, boolean>>;
  readonly separator: Buffer;
  readonly lineSeparator: Buffer;
  readonly headersSeparator: Buffer;
  readonly nullLiteral: Buffer;
  readonly key: Deserializer | null;
  readonly value: Deserializer | null;
  readonly headers: Deserializer | null;
}

const fieldOrder: readonly Field[] = [
  'timestamp',
  'partition',
  'offset',
  'headers',
  'key',
  'value',
];

class DefaultFormatter implements Formatter {
  readonly #settings: Settings;
  readonly #fields: readonly Field[];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#fields = fieldOrder.filter((field) => settings.shows[field]);
  }

  write(record: ConsumerRecord, output: OutputBuffer): void {
    const { separator, lineSeparator } = this.#settings;
    const last = this.#fields.length - 1;
    for (let index = 0; index <= last; index++) {
      this.#writeField(this.#fields[index] as Field, record, output);
      output.bytes(index === last ? lineSeparator : separator);
    }
  }

  #writeField(field: Field, record: ConsumerRecord, output: OutputBuffer): void {
    switch (field) {
      case 'timestamp':
        return output.text(
          record.timestamp < 0
            ? 'NO_TIMESTAMP'
            : `${timestampTypes[record.timestampType]}:${record.timestamp}`,
        );
      case 'partition':
        return output.text(`Partition:${record.partition}`);
      case 'offset':
        return output.text(`Offset:${record.offset}`);
      case 'headers':
        return this.#writeHeaders(record.headers, output);
      case 'key':
        return this.#writeBytes(record.key, this.#settings.key, output);
      case 'value':
        return this.#writeBytes(record.value, this.#settings.value, output);
    }
  }

  #writeHeaders(headers: ConsumerRecord['headers'], output: OutputBuffer): void {
    if (headers.length === 0) return output.text('NO_HEADERS');
    for (const [index, { key, value }] of headers.entries()) {
      if (index > 0) output.bytes(this.#settings.headersSeparator);
      output.text(`${key}:`);
      this.#writeBytes(value, this.#settings.headers, output);
    }
  }

  #writeBytes(bytes: Buffer | null, deserialize: Deserializer | null, output: OutputBuffer): void {
    const given = bytes ?? this.#settings.nullLiteral;
    if (deserialize === null) output.bytes(given);
    else output.text(deserialize(given));
  }
}
