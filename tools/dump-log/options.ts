/** The options of kafka-dump-log. Values are read when they are needed, so that a bad one fails where it does in Kafka. */
import { commonOptions, type OptionTable } from '../options/table.ts';

const STRING_DECODER = 'org.apache.kafka.tools.api.StringDecoder';
export const BYTES_MAX_DEFAULT = 2 ** 31 - 1;

const decoderHelp = (what: string): string =>
  `The class that turns ${what} into text: StringDecoder, LongDecoder, IntegerDecoder or ` +
  'DefaultDecoder of org.apache.kafka.tools.api.';

export const dumpLogOptions: OptionTable = [
  ...commonOptions,
  {
    name: 'cluster-metadata-decoder',
    description: 'Read values as records of the cluster metadata.',
  },
  {
    name: 'deep-iteration',
    description: 'Show the records within the batches, too; --print-data-log implies it.',
  },
  {
    name: 'files',
    argument: 'required',
    valueName: 'file1, file2, ...',
    description: 'REQUIRED: The files to dump, separated by commas: logs, indexes, snapshots.',
  },
  {
    name: 'index-sanity-check',
    description:
      'Only check the index as a broker does when it starts, to find out whether it has to be ' +
      'rebuilt; print nothing of it.',
  },
  {
    name: 'key-decoder-class',
    argument: 'optional',
    description: decoderHelp('keys'),
    defaultText: STRING_DECODER,
  },
  {
    name: 'max-bytes',
    argument: 'required',
    type: 'Integer',
    valueName: 'size',
    description: 'How much of each log is read, in bytes.',
    defaultText: String(BYTES_MAX_DEFAULT),
  },
  {
    name: 'max-message-size',
    argument: 'required',
    type: 'Integer',
    valueName: 'size',
    description: 'The largest batch that an index may point to, in bytes.',
    defaultText: '5242880',
  },
  {
    name: 'offsets-decoder',
    description: 'Read keys and values as records of __consumer_offsets.',
  },
  {
    name: 'print-data-log',
    description: 'Print keys and values of the records; implied by every decoder.',
  },
  {
    name: 'remote-log-metadata-decoder',
    description: 'Read values as records of __remote_log_metadata.',
  },
  {
    name: 'skip-record-metadata',
    description: 'Print of each record nothing but key and value.',
  },
  {
    name: 'transaction-log-decoder',
    description: 'Read keys and values as records of __transaction_state.',
  },
  {
    name: 'value-decoder-class',
    argument: 'optional',
    description: decoderHelp('values'),
    defaultText: STRING_DECODER,
  },
  {
    name: 'verify-index-only',
    description: 'Check the index against its log; print nothing of it.',
  },
];

/** Each of them asks for keys and values. */
export const contentOptions = [
  'print-data-log',
  'offsets-decoder',
  'transaction-log-decoder',
  'cluster-metadata-decoder',
  'remote-log-metadata-decoder',
  'value-decoder-class',
  'key-decoder-class',
] as const;
