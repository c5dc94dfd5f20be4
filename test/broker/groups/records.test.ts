import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coordinatorPartition } from '../../../broker/groups/partition-for.ts';
import {
  groupRecord,
  groupTombstone,
  offsetRecord,
  offsetTombstone,
  parseGroupValue,
  parseKey,
  parseOffsetValue,
} from '../../../broker/groups/records.ts';
import { Replay } from '../../../broker/groups/replay.ts';
import { batches } from '../../../protocol/batches.ts';
import { buildBatch } from '../../../protocol/record-batch.ts';

/** __consumer_offsets-0 as Apache Kafka 3.9.1 wrote it. */
const written = readFileSync(join(__dirname, '../../fixtures/groups/consumer-offsets.log'));

const replayOf = (...buffers: Buffer[]): Replay => {
  const replay = new Replay();
  for (const buffer of buffers) for (const batch of batches(buffer)) replay.add(batch);
  return replay;
};

const commit = (offset: number, expireTimestampMs = -1) => ({
  offset,
  leaderEpoch: 7,
  metadata: 'text',
  commitTimestampMs: 1_700_000_000_000,
  expireTimestampMs,
});

test("Apache Kafka's records read and write to the same bytes", () => {
  let count = 0;
  for (const batch of batches(written)) {
    if (batch.isControl) continue;
    for (const { key, value } of batch.records()) {
      if (key === null) throw new Error('a record without a key');
      const parsed = parseKey(key);
      if (parsed.type === 'unknown') throw new Error('an unknown key');
      const { groupId } = parsed;
      let again =
        parsed.type === 'group' ? groupTombstone(groupId) : offsetTombstone(groupId, parsed);
      if (value !== null)
        again =
          parsed.type === 'group'
            ? groupRecord(groupId, parseGroupValue(value))
            : offsetRecord(groupId, { ...parsed, commit: parseOffsetValue(value) });
      expect(again).toEqual({ key, value });
      count++;
    }
  }
  expect(count).toBe(21);
});

test("Apache Kafka's log leads to the groups its coordinator reported", () => {
  const { groups, offsets, nextOrder } = replayOf(written);
  expect(nextOrder).toBe(29);
  expect([...groups.keys()].sort()).toEqual(['classic', 'static']);
  expect(groups.get('classic')).toMatchObject({ generation: 2, protocol: 'range' });
  expect(groups.get('classic')?.members).toMatchObject([{ clientId: 'one' }]);
  expect(groups.get('static')?.members).toMatchObject([{ groupInstanceId: 'instance-1' }]);
  const committed = [...offsets].flatMap(([groupId, group]) =>
    Array.from(
      group.committed(),
      (at) => `${groupId} ${at.topic}-${at.partition} ${at.commit.offset} ${at.commit.metadata}`,
    ),
  );
  expect(committed.sort()).toEqual([
    'classic input-0 10 ',
    'classic input-1 10 ',
    'simple input-0 3 by hand',
    'tx-group input-0 777 ',
  ]);
  expect(offsets.get('tx-group')?.isUnstable('input', 1)).toBe(true);
  expect(offsets.get('gone')?.isEmpty).toBe(true);
});

test('an offset with an expiry of its own is written in the version that can say so', () => {
  const record = offsetRecord('g', { topic: 't', partition: 1, commit: commit(5, 99) });
  expect(record.value?.readInt16BE(0)).toBe(1);
  expect(parseOffsetValue(record.value ?? Buffer.alloc(0))).toEqual({
    ...commit(5, 99),
    leaderEpoch: -1,
  });
});

test('records that nobody can read are left out, the others count', () => {
  const good = offsetRecord('g', { topic: 't', partition: 0, commit: commit(1) });
  const newer = Buffer.from([0, 3, 1, 2, 3]);
  const replay = replayOf(
    buildBatch({
      records: [
        good,
        { key: null, value: Buffer.from('x') },
        { key: good.key, value: Buffer.from([0, 9]) },
        { key: Buffer.from([0]), value: null },
        { key: newer, value: Buffer.from('x') },
      ],
    }),
  );
  expect(replay.skippedCount).toBe(3);
  expect(replay.offsets.get('g')?.get('t', 0)?.offset).toBe(1);
});

test.each([
  ['', 0],
  ['my-group', 12],
  ['group-1', 49],
  ['my-transactional-id', 46],
  ['txn-1', 10],
])('%p belongs to partition %i of 50', (key, partition) => {
  expect(coordinatorPartition(key, 50)).toBe(partition);
});
