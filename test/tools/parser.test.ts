import { ParseError, parseOptions } from '../../tools/options/parser.ts';
import type { OptionTable } from '../../tools/options/table.ts';

const table: OptionTable = [
  { name: 'list' },
  { name: 'topic', argument: 'required' },
  { name: 'partitions', argument: 'required', type: 'Integer', defaultText: '3' },
  { name: 'codec', argument: 'optional' },
  { name: 'producer.config', argument: 'required' },
];

const failure = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof ParseError) return error.message;
    throw error;
  }
  return 'no failure';
};

describe('an option with a value', () => {
  test.each([
    [['--topic', 'a']],
    [['--topic=a']],
    [['-topic', 'a']],
    [['-topic=a']],
    [['stray', '--topic', 'a', 'more']],
  ])('is read from %j', (args) => {
    expect(parseOptions(table, args).value('topic')).toBe('a');
  });

  test('takes the next word even when that looks like an option', () => {
    const options = parseOptions(table, ['--topic', '--list', '--partitions', '-1']);
    expect(options.value('topic')).toBe('--list');
    expect(options.has('list')).toBe(false);
    expect(options.number('partitions')).toBe(-1);
  });

  test('may be empty, and may have a dot in its name', () => {
    const options = parseOptions(table, ['--topic', '', '--producer.config', 'f']);
    expect(options.value('topic')).toBe('');
    expect(options.value('producer.config')).toBe('f');
  });

  test('given twice is kept twice, and refused where one is wanted', () => {
    const options = parseOptions(table, ['--topic', 'a', '--topic', 'b']);
    expect(options.values('topic')).toEqual(['a', 'b']);
    expect(failure(() => options.value('topic'))).toBe(
      'Found multiple arguments for option topic, but you asked for only one',
    );
  });

  test('has its default when not given', () => {
    const options = parseOptions(table, []);
    expect(options.has('partitions')).toBe(false);
    expect(options.number('partitions')).toBe(3);
  });

  test('may stand alone where the value is optional', () => {
    const options = parseOptions(table, ['--codec', '--list']);
    expect([options.has('codec'), options.values('codec'), options.has('list')]).toEqual([
      true,
      [],
      true,
    ]);
  });
});

describe('a command line that cannot be read', () => {
  test.each([
    [['--foo'], 'foo is not a recognized option'],
    [['--top', 'a'], 'top is not a recognized option'],
    [['-foo'], 'foo is not a recognized option'],
    [['--topic'], 'Option topic requires an argument'],
  ])('%j', (args, message) => {
    expect(failure(() => parseOptions(table, args))).toBe(message);
  });

  test('a bad number is only found when it is asked for', () => {
    const options = parseOptions(table, ['--partitions', 'abc']);
    expect(failure(() => options.number('partitions'))).toBe(
      "Cannot parse argument 'abc' of option partitions",
    );
  });
});
