/**
 * Foreign ZooKeeper clients against the embedded server: kazoo with its recipes, the C client in the package `zookeeper`,
 * node-zookeeper-client. Each runs a script of its own against the embedded server and against the real one, on empty data;
 * what the script tells must be the same.
 */
import { cleanUp } from './processes.ts';
import { commandOf, describeWith } from './software.ts';
import { type Answers, answersOf } from './zookeepers.ts';

/** A step that ZooKeeper answers as we do only since 3.8.4: exists() asks for the right to read. */
const isNewer = (step: string): boolean => step.endsWith('(3.8.4)');

/** Runs the script everywhere, and compares section by section. */
const compare = (
  sections: readonly string[],
  command: () => string,
  args: () => readonly string[],
): void => {
  let embedded: Promise<Answers>;

  beforeAll(() => {
    embedded = answersOf('embedded', command(), args());
    // Whoever waits for it hears of a failure; until then it is nobody's.
    embedded.catch(() => {});
  });

  afterAll(cleanUp);

  test('the script has the sections that are compared', async () => {
    expect([...(await embedded).keys()]).toEqual(sections);
  }, 300_000);

  for (const kind of ['ZOOKEEPER', 'DEBIAN_ZOOKEEPER'] as const) {
    describeWith(kind, `as with ${kind}`, () => {
      let real: Answers;
      const isCompared = ({ step }: { readonly step: string }): boolean =>
        kind === 'ZOOKEEPER' || !isNewer(step);

      beforeAll(async () => {
        real = await answersOf(kind, command(), args());
      }, 300_000);

      test.each(sections)('%s', async (section) => {
        const steps = (real.get(section) ?? []).filter(isCompared);
        // A script that breaks off in the same place everywhere proves nothing.
        expect(steps.filter(({ step }) => step === 'the section itself')).toEqual([]);
        expect((await embedded).get(section)?.filter(isCompared)).toEqual(steps);
      });
    });
  }
};

describeWith('KAZOO', 'kazoo', () => {
  describe('operations', () => {
    compare(
      [
        ...['server', 'basics', 'transactions', 'names and data', 'sequences', 'access'],
        ...['ephemerals', 'watches', 'chroot', 'restart'],
      ],
      () => commandOf('KAZOO'),
      () => ['test/compat/python/kazoo-operations.py', '{zookeeper}'],
    );
  });

  describe('recipes', () => {
    compare(
      [
        ...['lock', 'read and write lock', 'semaphore', 'election', 'barrier', 'double barrier'],
        ...['queue', 'locking queue', 'party', 'counter', 'lease', 'data and children watch'],
        ...['tree cache', 'partitioner', 'lock through a restart'],
      ],
      () => commandOf('KAZOO'),
      () => ['test/compat/python/kazoo-recipes.py', '{zookeeper}'],
    );
  });
});

describeWith('NATIVE_ZOOKEEPER', 'the C client (package zookeeper)', () => {
  compare(
    ['basics', 'kinds', 'access', 'watches', 'restart', 'sessions'],
    () => process.execPath,
    () => [
      ...['test/compat/node/native-operations.js', commandOf('NATIVE_ZOOKEEPER')],
      '{zookeeper}',
    ],
  );
});

describe('node-zookeeper-client', () => {
  compare(
    ['basics', 'kinds', 'access', 'watches', 'transactions', 'chroot', 'restart'],
    () => process.execPath,
    () => ['test/compat/node/node-client-operations.js', '{zookeeper}'],
  );
});
