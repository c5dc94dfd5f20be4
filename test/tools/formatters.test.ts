import type { Formatter } from '../../tools/console-consumer/formatter.ts';
import { formatterOf } from '../../tools/console-consumer/formatters.ts';
import { OutputBuffer } from '../../tools/console-consumer/output-buffer.ts';

const record = {
  topic: 't',
  partition: 0,
  offset: 5,
  timestamp: 1_732_186_800_000,
  timestampType: 'createTime' as const,
  key: Buffer.from('k1'),
  value: Buffer.from('hello'),
  headers: [
    { key: 'h', value: Buffer.from('v') },
    { key: 'i', value: null },
  ],
  leaderEpoch: 0,
};

const formatter = (properties: Record<string, string>, name?: string): Formatter => {
  const found = formatterOf(name ?? 'org.apache.kafka.tools.consumer.DefaultMessageFormatter');
  if (found === null) throw new Error('no formatter');
  return found.create(new Map(Object.entries(properties)), () => {});
};

const text = (given: Formatter, changes: Partial<typeof record> | object = {}): string => {
  const output = new OutputBuffer();
  given.write({ ...record, ...changes }, output);
  return output.content().toString();
};

const everything = {
  'print.timestamp': 'true',
  'print.partition': 'true',
  'print.offset': 'true',
  'print.headers': 'true',
  'print.key': 'true',
};

test('all fields come in their order', () => {
  expect(text(formatter(everything))).toBe(
    'CreateTime:1732186800000\tPartition:0\tOffset:5\th:v,i:null\tk1\thello\n',
  );
  const bare = { headers: [], key: null, value: null, timestampType: 'logAppendTime' };
  expect(text(formatter(everything), bare)).toBe(
    'LogAppendTime:1732186800000\tPartition:0\tOffset:5\tNO_HEADERS\tnull\tnull\n',
  );
});

test('separators and the text for null may be chosen', () => {
  const properties = {
    'print.key': 'true',
    'key.separator': '|',
    'line.separator': ';',
    'null.literal': '-',
  };
  expect(text(formatter(properties), { key: null })).toBe('-|hello;');
  expect(text(formatter({ 'print.value': 'false' }))).toBe('');
});

test('bytes that are no text pass as they are', () => {
  const output = new OutputBuffer();
  formatter({}).write({ ...record, value: Buffer.from([0xff, 0]) }, output);
  expect(output.content()).toEqual(Buffer.from([0xff, 0, 10]));
});

test.each([
  ['LongDeserializer', '0000000000000007', '7'],
  ['IntegerDeserializer', 'ffffffff', '-1'],
  ['DoubleDeserializer', '3ff8000000000000', '1.5'],
  ['FloatDeserializer', '3dcccccd', '0.1'],
  ['BytesDeserializer', '6bc3a95c', 'k\\xC3\\xA9\\x5C'],
  ['BooleanDeserializer', '01', 'true'],
])('%s shows %s as %s', (name, hex, expected) => {
  const properties = { 'value.deserializer': `org.apache.kafka.common.serialization.${name}` };
  expect(text(formatter(properties), { value: Buffer.from(hex, 'hex') })).toBe(`${expected}\n`);
});

test('a value of the wrong size has no text', () => {
  const properties = {
    'value.deserializer': 'org.apache.kafka.common.serialization.LongDeserializer',
  };
  expect(() => text(formatter(properties))).toThrow(
    'Size of data received by LongDeserializer is not 8',
  );
});

test('committed offsets are shown as JSON, other records of the topic not at all', () => {
  const offsets = formatter({}, 'org.apache.kafka.tools.consumer.OffsetsMessageFormatter');
  const key = Buffer.from('000100016700017400000000', 'hex');
  const value = Buffer.from('00030000000000000005ffffffff00000000000000000007', 'hex');
  expect(text(offsets, { key, value })).toBe(
    '{"key":{"version":1,"data":{"group":"g","topic":"t","partition":0}},' +
      '"value":{"version":3,"data":{"offset":5,"leaderEpoch":-1,"metadata":"",' +
      '"commitTimestamp":7}}}',
  );
  expect(text(offsets, { key: Buffer.from('0002000167', 'hex'), value: null })).toBe('');
  expect(text(offsets, { key, value: null })).toContain('"value":null}');
});

test('old names are understood, with a warning; unknown ones are not', () => {
  const old = 'kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter';
  expect(formatterOf(old)?.warning).toMatch(/^WARNING: kafka\.coordinator\..* is deprecated/);
  expect(formatterOf('no.such.Formatter')).toBeNull();
});
