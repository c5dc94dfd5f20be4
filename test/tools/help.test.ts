import { consumerToolOptions } from '../../tools/console-consumer/options.ts';
import { producerToolOptions } from '../../tools/console-producer/options.ts';
import { dumpLogOptions } from '../../tools/dump-log/options.ts';
import { helpText, wrapped } from '../../tools/options/help.ts';
import { topicsOptions } from '../../tools/topics/options.ts';
import { readTranscript } from './transcript.ts';

/** The left column of an option table: names with their values, without the wrapping. */
const optionsOf = (usage: string): string[] => {
  const width = usage.indexOf('Description');
  const cells = usage
    .split('\n')
    .slice(2)
    .map((line) => line.slice(0, width).trimEnd())
    .filter((cell) => cell !== '');
  return cells.join('\n').replaceAll('\n  ', ' ').split('\n');
};

describe('the option table', () => {
  test.each([
    ['kafka-topics', topicsOptions],
    ['kafka-console-producer', producerToolOptions],
    ['kafka-console-consumer', consumerToolOptions],
    ['kafka-dump-log', dumpLogOptions],
  ])("of %s has Kafka's options, values and order", (name, table) => {
    const { usage } = readTranscript(`${__dirname}/../fixtures/cli/${name}.json`);
    expect(optionsOf(helpText(table))).toEqual(optionsOf(usage));
  });

  test('fills both columns', () => {
    const table = [
      { name: 'sync', description: 'Wait.' },
      { name: 'size', argument: 'required', type: 'Integer', valueName: 'n', defaultText: '1' },
    ] as const;
    expect(helpText(table)).toBe(
      [
        'Option               Description ',
        '------               ----------- ',
        '--size <Integer: n>  (default: 1)',
        '--sync               Wait.       ',
        '',
      ].join('\n'),
    );
  });
});

describe('wrapping', () => {
  test.each([
    [
      'option; with a --bootstrap-server one',
      20,
      ['option; with a --', '  bootstrap-server', '  one'],
    ],
    ['leader.replication.throttled.replicas', 30, ['leader.replication.throttled.', '  replicas']],
    ['HOST1:PORT1,HOST2:PORT2', 20, ['HOST1:PORT1,HOST2:', '  PORT2']],
    ['the server(s) to ask', 12, ['the server', '  (s) to ask']],
    ['one\n two', 20, ['one', ' two']],
  ])('%j at %d', (text, width, lines) => {
    expect(wrapped(text, width)).toEqual(lines);
  });
});
