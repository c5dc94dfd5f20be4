/**
 * The options of kafka-console-producer, and the properties of the producer and of the line reader
 * that follow from them.
 */
import type { System } from '../../system/system.ts';
import { checkRequired, UsageError } from '../cli.ts';
import { type ParsedOptions, ParseError } from '../options/parser.ts';
import { keyValues, type Properties, readProperties } from '../options/properties.ts';
import { commonOptions, type OptionTable } from '../options/table.ts';

export const LINE_READER = 'kafka.tools.ConsoleProducer$LineMessageReader';

const readerHelp = `A setting of the line reader as key=value.
The settings and their defaults:
 parse.key=false
 parse.headers=false
 ignore.error=false
 key.separator=\\t
 headers.delimiter=\\t
 headers.separator=,
 headers.key.separator=:
 null.marker=   A key, value or header that equals it becomes null
What a line looks like:
 parse.headers=true and parse.key=true:
  "h1:v1,h2:v2...\\tkey\\tvalue"
 parse.key=true:
  "key\\tvalue"
 parse.headers=true:
  "h1:v1,h2:v2...\\tvalue"`;

export const producerToolOptions: OptionTable = [
  ...commonOptions,
  {
    name: 'batch-size',
    argument: 'required',
    type: 'Integer',
    valueName: 'size',
    description:
      'The bytes of records that one batch may hold (batch.size); ' +
      'max-partition-memory-bytes goes before it.',
    defaultText: '16384',
  },
  {
    name: 'bootstrap-server',
    argument: 'required',
    valueName: 'server to connect to',
    description:
      'REQUIRED unless --broker-list (deprecated) is given: the servers to connect to, ' +
      'as HOST1:PORT1,HOST2:PORT2.',
  },
  {
    name: 'broker-list',
    argument: 'required',
    valueName: 'broker-list',
    description: 'DEPRECATED, the older name of --bootstrap-server, which goes before it.',
  },
  {
    name: 'compression-codec',
    argument: 'optional',
    valueName: 'compression-codec',
    description: "One of 'none', 'gzip', 'snappy', 'lz4', 'zstd'; 'gzip' when it stands alone.",
  },
  {
    name: 'line-reader',
    argument: 'required',
    valueName: 'reader_class',
    description: 'What turns standard input into records; there is only the one for lines.',
    defaultText: LINE_READER,
  },
  {
    name: 'max-block-ms',
    argument: 'required',
    type: 'Long',
    valueName: 'max block on send',
    description: 'How long a record may wait for metadata or memory (max.block.ms).',
    defaultText: '60000',
  },
  {
    name: 'max-memory-bytes',
    argument: 'required',
    type: 'Long',
    valueName: 'total memory in bytes',
    description: 'The memory for records that wait to be sent (buffer.memory).',
    defaultText: '33554432',
  },
  {
    name: 'max-partition-memory-bytes',
    argument: 'required',
    type: 'Integer',
    valueName: 'memory in bytes per partition',
    description: 'The bytes of records gathered for one partition (batch.size).',
    defaultText: '16384',
  },
  {
    name: 'message-send-max-retries',
    argument: 'required',
    type: 'Integer',
    description: 'How often a batch is sent again before it is given up (retries).',
    defaultText: '3',
  },
  {
    name: 'metadata-expiry-ms',
    argument: 'required',
    type: 'Long',
    valueName: 'metadata expiration interval',
    description:
      'The age at which metadata is fetched anew although nothing is known to have ' +
      'changed (metadata.max.age.ms).',
    defaultText: '300000',
  },
  {
    name: 'producer-property',
    argument: 'required',
    valueName: 'producer_prop',
    description: 'A setting of the producer as key=value.',
  },
  {
    name: 'producer.config',
    argument: 'required',
    valueName: 'config file',
    description:
      'A properties file with settings of the producer; [producer-property] goes before it.',
  },
  { name: 'property', argument: 'required', valueName: 'prop', description: readerHelp },
  {
    name: 'reader-config',
    argument: 'required',
    valueName: 'config file',
    description: 'A properties file with settings of the line reader; [property] goes before it.',
  },
  {
    name: 'request-required-acks',
    argument: 'required',
    valueName: 'request required acks',
    description: 'Whom an acknowledgement has to come from (acks).',
    defaultText: '-1',
  },
  {
    name: 'request-timeout-ms',
    argument: 'required',
    type: 'Integer',
    valueName: 'request timeout ms',
    description: 'How long a response is waited for (request.timeout.ms).',
    defaultText: '1500',
  },
  {
    name: 'retry-backoff-ms',
    argument: 'required',
    type: 'Long',
    description: 'The pause before a batch is sent again (retry.backoff.ms).',
    defaultText: '100',
  },
  {
    name: 'socket-buffer-size',
    argument: 'required',
    type: 'Integer',
    valueName: 'size',
    description: 'The size of the send buffer (send.buffer.bytes).',
    defaultText: '102400',
  },
  { name: 'sync', description: 'Send one record at a time and wait for its acknowledgement.' },
  {
    name: 'timeout',
    argument: 'required',
    type: 'Long',
    valueName: 'timeout_ms',
    description: 'How long a record may wait for others to share a batch with (linger.ms).',
    defaultText: '1000',
  },
  {
    name: 'topic',
    argument: 'required',
    valueName: 'topic',
    description: 'REQUIRED: The topic to write to.',
  },
];

/** Throws UsageError. */
export const checkProducerOptions = (options: ParsedOptions): void => {
  if (!options.has('bootstrap-server') && !options.has('broker-list')) {
    throw new ParseError('MissingRequiredOptionsException', MISSING_SERVER);
  }
  checkRequired(options, 'topic');
  const isValid = servers(options)
    .split(',')
    .every((server) => /^.*?\[?[0-9a-zA-Z\-%._:]*\]?:[0-9]+$/.test(server.trim()));
  if (!isValid) {
    throw new UsageError('Please provide valid host:port like host1:9091,host2:9092\n ');
  }
};

const MISSING_SERVER = 'Missing required option(s) [bootstrap-server]';

const servers = (options: ParsedOptions): string =>
  options.value('bootstrap-server') ?? options.value('broker-list') ?? '';

/** Which property an option sets; a later one goes before an earlier one. */
const merged: readonly (readonly [property: string, option: string])[] = [
  ['linger.ms', 'timeout'],
  ['acks', 'request-required-acks'],
  ['request.timeout.ms', 'request-timeout-ms'],
  ['retries', 'message-send-max-retries'],
  ['retry.backoff.ms', 'retry-backoff-ms'],
  ['send.buffer.bytes', 'socket-buffer-size'],
  ['buffer.memory', 'max-memory-bytes'],
  ['batch.size', 'batch-size'],
  ['batch.size', 'max-partition-memory-bytes'],
  ['metadata.max.age.ms', 'metadata-expiry-ms'],
  ['max.block.ms', 'max-block-ms'],
];

/**
 * Options given go before properties, these before the file, and that before the options' defaults.
 */
export const producerProperties = async (
  system: System,
  options: ParsedOptions,
): Promise<Properties> => {
  const properties = await readProperties(system, options.value('producer.config'));
  for (const [name, value] of keyValues(options.values('producer-property'))) {
    properties.set(name, value);
  }
  properties.set('bootstrap.servers', servers(options));
  properties.set('compression.type', codec(options));
  if (!properties.has('client.id')) properties.set('client.id', 'console-producer');
  for (const [property, option] of merged) {
    if (properties.has(property) && !options.has(option)) continue;
    const isNumber = option !== 'request-required-acks';
    const value = isNumber ? options.number(option) : options.value(option);
    if (value !== null) properties.set(property, String(value));
  }
  return properties;
};

const codec = (options: ParsedOptions): string => {
  if (!options.has('compression-codec')) return 'none';
  const [value = ''] = options.values('compression-codec');
  return value === '' ? 'gzip' : value;
};

export const readerProperties = async (
  system: System,
  options: ParsedOptions,
): Promise<Properties> => {
  const properties = await readProperties(system, options.value('reader-config'));
  for (const [name, value] of keyValues(options.values('property'))) properties.set(name, value);
  return properties;
};
