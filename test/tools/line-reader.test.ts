import { LineReader } from '../../tools/console-producer/line-reader.ts';
import { LineSplitter } from '../../tools/console-producer/lines.ts';

const read = (properties: Record<string, string>, line: string) => {
  const reader = new LineReader(new Map(Object.entries(properties)));
  const { key, value, headers } = reader.read(Buffer.from(line));
  return {
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map((header) => [header.key, header.value?.toString() ?? null]),
  };
};

describe('a line', () => {
  test('is the value, unless something else is asked for', () => {
    expect(read({}, 'a\tb')).toEqual({ key: null, value: 'a\tb', headers: [] });
  });

  test('is cut at the first separators', () => {
    const properties = { 'parse.key': 'true', 'parse.headers': 'TRUE' };
    expect(read(properties, 'h:1,i:2:3\tk\tv\tw')).toEqual({
      key: 'k',
      value: 'v\tw',
      headers: [
        ['h', '1'],
        ['i', '2:3'],
      ],
    });
  });

  test('has nulls where the marker stands', () => {
    const properties = { 'parse.key': 'true', 'parse.headers': 'true', 'null.marker': 'NULL' };
    const expected = { key: null, value: null, headers: [['h', null]] };
    expect(read(properties, 'h:NULL\tNULL\tNULL')).toEqual(expected);
    expect(read(properties, 'NULL\tk\tv').headers).toEqual([]);
  });

  test('without a separator is a failure, or all value when errors are ignored', () => {
    expect(() => read({ 'parse.key': 'true' }, 'nosep')).toThrow(
      "No key separator found on line number 1: 'nosep'",
    );
    const ignoring = { 'parse.key': 'true', 'ignore.error': 'true' };
    expect(read(ignoring, 'nosep')).toEqual({ key: null, value: 'nosep', headers: [] });
  });

  test('keeps bytes that are text, and replaces those that are none as Java does', () => {
    const reader = new LineReader(new Map());
    expect(reader.read(Buffer.from('é☃')).value).toEqual(Buffer.from('é☃'));
    expect(reader.read(Buffer.from([0x61, 0xff])).value).toEqual(Buffer.from('a\ufffd'));
  });
});

test('separators that cannot be told apart are refused', () => {
  const reader = () => new LineReader(new Map([['headers.delimiter', ',']]));
  expect(reader).toThrow('headers.delimiter and headers.separator may not be equal');
});

describe('a stream of bytes', () => {
  test.each([
    [['a\nb\n']],
    [['a\r', '\nb']],
    [['a\rb\r\n']],
    [['a', '', '\n', 'b']],
    [['a\r\nb\r']],
  ])('%j has the lines a and b', (chunks) => {
    const splitter = new LineSplitter();
    const lines = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk)));
    const last = splitter.finish();
    expect([...lines, ...(last === null ? [] : [last])].map(String)).toEqual(['a', 'b']);
  });

  test('keeps empty lines', () => {
    expect(new LineSplitter().push(Buffer.from('\n\r\n\n')).length).toBe(3);
  });
});
