import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MisfitError } from '../../log/log-manager.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import {
  COUNT,
  checkOpens,
  cleanUp,
  config,
  directoryAfter,
  endsAt,
  type Opens,
  open,
  producer,
  type Row,
  START_MS,
  TOPIC_ID,
} from './corruption-support.ts';
import { append, tempDirectory } from './log-support.ts';

afterEach(cleanUp);

const checkpointRows: Opens[] = [
  {
    name: 'a checkpointed log start above the end: the log goes on, empty, from there',
    stop: 'crash',
    damage: (on) =>
      writeFileSync(join(on.path, 'log-start-offset-checkpoint'), '0\n1\ntopic 0 100\n'),
    check: async (log, on) => {
      expect([log.logStartOffset, log.logEndOffset]).toEqual([100, 100]);
      expect(log.epochs.entries).toEqual([]);
      expect(on.snapshots()).toEqual([]);
      expect((await append(log, ['a'])).baseOffset).toBe(100);
    },
  },
  {
    name: 'a recovery point above the end is lowered to it',
    stop: 'crash',
    damage: (on) => on.recoverFrom(1000),
    check: (log) => expect(log.recoveryPoint).toBe(COUNT),
  },
  ...(['recovery-point', 'log-start'] as const).map(
    (name): Opens => ({
      name: `numbers that are none in the ${name} checkpoint: it counts as empty`,
      stop: 'crash',
      damage: (on) =>
        writeFileSync(join(on.path, `${name}-offset-checkpoint`), '0\n1\ntopic 0 many\n'),
      check: (log) => endsAt(log, COUNT),
    }),
  ),
  {
    name: 'a high watermark that is missing is 0',
    stop: 'crash',
    damage: (on) => rmSync(join(on.path, 'replication-offset-checkpoint')),
    check: (_log, _on, _noted, manager) => expect(manager.highWatermark('topic', 0)).toBe(0),
  },
  ...(['', null] as const).map(
    (text): Opens => ({
      name: `an ${text === '' ? 'empty' : 'absent'} leader epoch checkpoint: only what is recovered says its epochs`,
      stop: 'crash',
      damage: (on) => {
        if (text === null) rmSync(on.partition('leader-epoch-checkpoint'));
        else writeFileSync(on.partition('leader-epoch-checkpoint'), text);
        return on.base(-1);
      },
      check: (log, _on, base) => {
        expect(log.epochs.entries).toEqual([{ epoch: 0, startOffset: base }]);
      },
    }),
  ),
  {
    name: 'an empty leader epoch checkpoint after a stop in order: no epochs',
    stop: 'clean',
    damage: (on) => writeFileSync(on.partition('leader-epoch-checkpoint'), ''),
    check: (log) => expect(log.epochs.entries).toEqual([]),
  },
  {
    name: 'a missing partition.metadata is written with the id that is given next',
    stop: 'clean',
    damage: (on) => rmSync(on.partition('partition.metadata')),
    check: async (log, on, _noted, manager) => {
      expect(log.topicId).toBeNull();
      await manager.getOrCreate('topic', 0, { topicId: TOPIC_ID, config });
      await log.settled();
      expect(readFileSync(on.partition('partition.metadata'), 'utf8')).toBe(
        `version: 0\ntopic_id: ${TOPIC_ID}`,
      );
    },
  },
  {
    name: 'a missing meta.properties is written again',
    stop: 'clean',
    damage: (on) => rmSync(join(on.path, 'meta.properties')),
    check: (_log, on) =>
      expect(readFileSync(join(on.path, 'meta.properties'), 'utf8')).toContain('broker.id=1'),
  },
  {
    name: 'leftovers of deletions and of an interrupted cleaning are removed',
    stop: 'crash',
    damage: (on) => {
      cpSync(on.file(0), `${on.file(0)}.cleaned`);
      cpSync(on.file(1), `${on.file(1)}.swap`);
      cpSync(on.file(2), `${on.file(2)}.deleted`);
    },
    check: async (log, on) => {
      const left = readdirSync(on.partition('')).filter((name) =>
        /\.(cleaned|swap|deleted)$/.test(name),
      );
      expect(left).toEqual([]);
      await endsAt(log, COUNT);
    },
  },
];

describe('damage that small files may have', () => {
  test.each(checkpointRows)('$name', checkOpens);
});

const unusable = (name: string, text: string): Row => ({
  name: `${name} that holds ${JSON.stringify(text)}`,
  stop: 'clean',
  damage: (on) => {
    const inPartition = name.startsWith('leader') || name.startsWith('partition');
    writeFileSync(inPartition ? on.partition(name) : join(on.path, name), text);
  },
});

const offlineRows: Row[] = [
  ...['1\n0\n', '0\nx\n', '0\n2\n0 0\n', '0\n1\n0 0 0\n'].map((text) =>
    unusable('leader-epoch-checkpoint', text),
  ),
  ...['version: 0\ntopic_id c3\n', 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA'].map((text) =>
    unusable('partition.metadata', text),
  ),
  ...['replication-offset', 'recovery-point-offset', 'log-start-offset'].map((name) =>
    unusable(`${name}-checkpoint`, '0\n2\ntopic 0 1\n'),
  ),
  unusable('replication-offset-checkpoint', '0\n1\ntopic 0 many\n'),
  {
    name: 'meta.properties that cannot be read',
    stop: 'clean',
    damage: (on) => {
      rmSync(join(on.path, 'meta.properties'));
      mkdirSync(join(on.path, 'meta.properties'));
    },
  },
];

test.each(offlineRows)('$name takes its directory offline, and no other', async (row) => {
  const on = await directoryAfter(row.stop);
  row.damage(on);
  const other = tempDirectory();
  const manager = await open([on.path, other]);
  expect(manager.get('topic', 0)).toBeUndefined();
  expect(manager.onlineDirectories).toEqual([other]);
  expect(manager.hasOfflineDirectory).toBe(true);
  await manager.close();
  // Alone it is the last one, and there is no broker.
  await expect(open([on.path])).rejects.toThrow(MisfitError);
});

const endingRows: Row[] = [
  ...['0\n1\nx 0\n', '0\n1\n-1 0\n', '0\n1\n0 -1\n'].map((text) =>
    unusable('leader-epoch-checkpoint', text),
  ),
  ...['', 'version: 0\ntopic_id: short'].map((text) => unusable('partition.metadata', text)),
  ...['version=1\n', 'version=0\nbroker.id=2\n', 'version=0\ncluster.id=other\n'].map((text) =>
    unusable('meta.properties', text),
  ),
  {
    name: 'a segment of 2 GiB',
    stop: 'clean',
    damage: (on) => truncateSync(on.file(0), 2 ** 31),
  },
  {
    name: 'a foreign directory',
    stop: 'clean',
    damage: (on) => mkdirSync(join(on.path, 'lost+found')),
  },
  ...(['clean', 'crash'] as const).map(
    (stop): Row => ({
      name: `a batch outside the transaction its producer has open, after a ${stop} stop`,
      stop,
      damage: (on) => {
        const ids = { ...producer, baseSequence: COUNT };
        const records = [{ key: null, value: Buffer.from('x') }];
        const batches = [true, false].map((isTransactional, index) => {
          const baseOffset = COUNT + index;
          return buildBatch({ ...ids, baseOffset, timestamp: START_MS, isTransactional, records });
        });
        on.edit(on.file(-1), (bytes) => Buffer.concat([bytes, ...batches]));
      },
    }),
  ),
];

test.each(endingRows)('$name ends the start', async (row) => {
  const on = await directoryAfter(row.stop);
  row.damage(on);
  await expect(open([on.path, tempDirectory()])).rejects.toThrow(MisfitError);
});
