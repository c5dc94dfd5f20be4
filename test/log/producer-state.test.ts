import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadSnapshotError, decodeProducerSnapshot } from '../../log/producer-snapshot.ts';
import { type CheckResult, ProducerStates } from '../../log/producer-state.ts';
import type { AbortedTransaction } from '../../log/transaction-index.ts';
import { batches } from '../../protocol/batches.ts';
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { buildBatch, RecordBatch } from '../../protocol/record-batch.ts';

interface Given {
  readonly id?: number;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly count?: number;
  readonly transactional?: boolean;
  readonly timestamp?: number;
}

/** A log of batches: what a leader does with each, without the disk. */
class Leader {
  readonly states = new ProducerStates();
  endOffset = 0;

  data(given: Given): CheckResult {
    const { id = 1, epoch = 0, sequence = 0, count = 1, timestamp = 1000 } = given;
    const record = { key: null, value: null, timestamp };
    const bytes = buildBatch({
      records: Array.from({ length: count }, () => record),
      producerId: id,
      producerEpoch: epoch,
      baseSequence: sequence,
      isTransactional: given.transactional ?? false,
    });
    return this.take(bytes, 'client').result;
  }

  end(type: 'commit' | 'abort', given: { id?: number; epoch?: number; coordinator?: number } = {}) {
    const bytes = buildEndTransactionMarker({
      producerId: given.id ?? 1,
      producerEpoch: given.epoch ?? 0,
      coordinatorEpoch: given.coordinator ?? 0,
      isCommit: type === 'commit',
      timestamp: 2000,
    });
    return this.take(bytes, 'coordinator').aborted;
  }

  take(bytes: Buffer, origin: 'client' | 'coordinator') {
    const batch = new RecordBatch(bytes, 0);
    const result = this.states.check(batch, origin);
    if (result.type === 'duplicate') return { result, aborted: null };
    batch.setBaseOffset(this.endOffset);
    this.endOffset = batch.nextOffset;
    return { result, aborted: this.states.append(batch) };
  }
}

const codeOf = (action: () => unknown): number => {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 0;
};

const OUT_OF_ORDER = errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER;

describe('sequences', () => {
  test('have to follow each other', () => {
    const leader = new Leader();
    leader.data({ sequence: 0, count: 3 });
    expect(leader.data({ sequence: 3 })).toEqual({ type: 'ok' });
    expect(codeOf(() => leader.data({ sequence: 5 }))).toBe(OUT_OF_ORDER);
    expect(codeOf(() => leader.data({ sequence: 0 }))).toBe(OUT_OF_ORDER);
    expect(leader.data({ sequence: 4 })).toEqual({ type: 'ok' });
  });

  test('may begin anywhere for a producer that is not known', () => {
    const leader = new Leader();
    expect(leader.data({ sequence: 77 })).toEqual({ type: 'ok' });
    expect(codeOf(() => leader.data({ sequence: 79 }))).toBe(OUT_OF_ORDER);
  });

  test('begin at 0 with a new epoch', () => {
    const leader = new Leader();
    leader.data({ sequence: 0 });
    expect(codeOf(() => leader.data({ epoch: 1, sequence: 1 }))).toBe(OUT_OF_ORDER);
    expect(leader.data({ epoch: 1, sequence: 0 })).toEqual({ type: 'ok' });
    expect(codeOf(() => leader.data({ epoch: 0, sequence: 1 }))).toBe(
      errorCodes.INVALID_PRODUCER_EPOCH,
    );
  });

  test('begin at 0 after a marker that raised the epoch', () => {
    const leader = new Leader();
    leader.data({ sequence: 0, transactional: true });
    leader.end('abort', { epoch: 1 });
    expect(codeOf(() => leader.data({ epoch: 1, sequence: 1 }))).toBe(OUT_OF_ORDER);
    expect(leader.data({ epoch: 1, sequence: 0 })).toEqual({ type: 'ok' });
  });

  test('go on at 0 after the largest', () => {
    const leader = new Leader();
    leader.data({ sequence: 2 ** 31 - 3, count: 3 });
    expect(leader.data({ sequence: 0 })).toEqual({ type: 'ok' });
  });

  test('wrap within a batch, which is still recognized', () => {
    const leader = new Leader();
    leader.data({ sequence: 2 ** 31 - 2, count: 4 });
    expect(leader.data({ sequence: 2 ** 31 - 2, count: 4 }).type).toBe('duplicate');
    expect(leader.data({ sequence: 2 })).toEqual({ type: 'ok' });
  });

  test('of coordinators are not looked at', () => {
    const leader = new Leader();
    const offsets = { records: [{ key: null, value: null }], producerId: 1, producerEpoch: 0 };
    for (let count = 0; count < 3; count++) {
      const bytes = buildBatch({ ...offsets, isTransactional: true });
      expect(leader.take(bytes, 'coordinator').result).toEqual({ type: 'ok' });
    }
  });
});

describe('duplicates', () => {
  test('are told with their old offsets, up to five batches back', () => {
    const leader = new Leader();
    for (let index = 0; index < 6; index++) {
      leader.data({ sequence: index * 2, count: 2, timestamp: 1000 + index });
    }
    expect(leader.data({ sequence: 2, count: 2 })).toEqual({
      type: 'duplicate',
      baseOffset: 2,
      lastOffset: 3,
      timestamp: 1001,
    });
    expect(leader.data({ sequence: 10, count: 2 })).toMatchObject({ lastOffset: 11 });
    expect(codeOf(() => leader.data({ sequence: 0, count: 2 }))).toBe(OUT_OF_ORDER);
    expect(codeOf(() => leader.data({ sequence: 2, count: 1 }))).toBe(OUT_OF_ORDER);
    expect(leader.endOffset).toBe(12);
  });

  test('of an older epoch are refused', () => {
    const leader = new Leader();
    leader.data({ sequence: 0 });
    leader.data({ epoch: 1, sequence: 0 });
    expect(codeOf(() => leader.data({ epoch: 0, sequence: 0 }))).toBe(
      errorCodes.INVALID_PRODUCER_EPOCH,
    );
  });
});

describe('transactions', () => {
  test('hold back the first unstable offset until their marker is replicated', () => {
    const leader = new Leader();
    leader.data({ id: 1, sequence: 0 });
    expect(leader.states.firstUnstableOffset).toBeNull();
    leader.data({ id: 2, transactional: true, count: 2 });
    leader.data({ id: 3, transactional: true });
    expect(leader.states.firstUnstableOffset).toBe(1);
    expect(leader.states.hasOngoingTransaction(2)).toBe(true);
    leader.end('commit', { id: 2 });
    expect(leader.states.hasOngoingTransaction(2)).toBe(false);
    leader.states.advanceHighWatermark(4);
    expect(leader.states.firstUnstableOffset).toBe(1);
    leader.states.advanceHighWatermark(5);
    expect(leader.states.firstUnstableOffset).toBe(3);
    leader.end('commit', { id: 3 });
    leader.states.advanceHighWatermark(6);
    expect(leader.states.firstUnstableOffset).toBeNull();
  });

  test('that abort give an entry for the index', () => {
    const leader = new Leader();
    leader.data({ id: 1, transactional: true });
    leader.data({ id: 2, transactional: true });
    expect(leader.end('abort', { id: 1 })).toEqual({
      producerId: 1,
      firstOffset: 0,
      lastOffset: 2,
      lastStableOffset: 1,
    });
    expect(leader.end('abort', { id: 2 })).toEqual({
      producerId: 2,
      firstOffset: 1,
      lastOffset: 3,
      lastStableOffset: 4,
    });
    expect(leader.end('abort', { id: 2 })).toBeNull();
  });

  test('take no other batches of their producer', () => {
    const leader = new Leader();
    leader.data({ sequence: 0, transactional: true });
    expect(codeOf(() => leader.data({ sequence: 1 }))).toBe(errorCodes.INVALID_TXN_STATE);
    leader.end('commit');
    expect(leader.data({ sequence: 1 })).toEqual({ type: 'ok' });
  });

  test('are not ended by an older coordinator or producer epoch', () => {
    const leader = new Leader();
    leader.data({ epoch: 4, transactional: true });
    leader.end('commit', { epoch: 4, coordinator: 7 });
    expect(codeOf(() => leader.end('abort', { epoch: 4, coordinator: 6 }))).toBe(
      errorCodes.TRANSACTION_COORDINATOR_FENCED,
    );
    expect(codeOf(() => leader.end('abort', { epoch: 3, coordinator: 7 }))).toBe(
      errorCodes.INVALID_PRODUCER_EPOCH,
    );
  });
});

test('silent producers are forgotten, those with an open transaction are not', () => {
  const leader = new Leader();
  leader.data({ id: 1, timestamp: 1000 });
  leader.data({ id: 2, timestamp: 1000, transactional: true });
  leader.data({ id: 3, timestamp: 5000 });
  expect(leader.states.removeExpired(1999, 1000)).toBe(0);
  expect(leader.states.removeExpired(2000, 1000)).toBe(1);
  expect([...leader.states.activeProducers()]).toEqual([
    expect.objectContaining({ producerId: 2, currentTransactionStartOffset: 1 }),
    expect.objectContaining({ producerId: 3, currentTransactionStartOffset: -1 }),
  ]);
});

const forever = { nowMs: 0, expirationMs: Infinity };

describe('snapshots', () => {
  const known =
    '000177fdf9d500000001000000000000000700030000000700000000000000660000000200000000000003eb' +
    '000000040000000000000064';

  test('have the bytes of Kafka', () => {
    const states = new ProducerStates();
    expect(states.snapshot().toString('hex')).toBe('000148674bc700000000');
    states.load(decodeProducerSnapshot(Buffer.from(known, 'hex')), { offset: 103, ...forever });
    expect(states.mapEndOffset).toBe(103);
    expect(states.firstUnstableOffset).toBe(100);
    expect(states.snapshot().toString('hex')).toBe(known);
  });

  test('with any bit flipped or a byte cut off are refused', () => {
    for (let bit = 0; bit < (known.length / 2) * 8; bit++) {
      const bytes = Buffer.from(known, 'hex');
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodeProducerSnapshot(bytes)).toThrow(BadSnapshotError);
    }
    for (let length = 0; length < known.length / 2; length++) {
      const bytes = Buffer.from(known, 'hex').subarray(0, length);
      expect(() => decodeProducerSnapshot(bytes)).toThrow(BadSnapshotError);
    }
  });

  test('leave out who has expired when they are loaded', () => {
    const entries = decodeProducerSnapshot(Buffer.from(known, 'hex'));
    const states = new ProducerStates();
    states.load(entries, { offset: 103, nowMs: 9e12, expirationMs: 1 });
    expect(states.size).toBe(1);
    const ended = entries.map((entry) => ({ ...entry, currentTxnFirstOffset: -1 }));
    states.load(ended, { offset: 103, nowMs: 9e12, expirationMs: 1 });
    expect(states.size).toBe(0);
  });

  test('remember the last batch of a producer', () => {
    const states = new ProducerStates();
    states.load(decodeProducerSnapshot(Buffer.from(known, 'hex')), { offset: 103, ...forever });
    const bytes = buildBatch({
      records: [{ key: null, value: null }],
      producerId: 7,
      producerEpoch: 3,
      baseSequence: 8,
      isTransactional: true,
    });
    expect(states.check(new RecordBatch(bytes, 0), 'client')).toEqual({ type: 'ok' });
  });
});

describe('a log with transactions that Kafka wrote', () => {
  const folder = join(__dirname, '../fixtures/records');
  const log = readFileSync(join(folder, 'transactions.log'));
  const expected = JSON.parse(readFileSync(join(folder, 'transactions.json'), 'utf8')) as {
    readonly snapshots: { readonly [offset: string]: string };
    readonly entries: { readonly [offset: string]: readonly { producerId: number }[] };
    readonly aborted: readonly AbortedTransaction[];
    readonly reported: { readonly lastStableOffset: number };
  };

  const sorted = <T extends { producerId: number }>(entries: readonly T[]): T[] =>
    entries.toSorted((a, b) => a.producerId - b.producerId);

  test('gives the same snapshots, aborted transactions and last stable offset', () => {
    const states = new ProducerStates();
    const aborted: AbortedTransaction[] = [];
    const seen: string[] = [];
    for (const batch of batches(log)) {
      const entry = states.append(batch);
      if (entry !== null) aborted.push(entry);
      const offset = String(states.mapEndOffset);
      const snapshot = expected.snapshots[offset];
      if (snapshot === undefined) continue;
      seen.push(offset);
      const theirs = decodeProducerSnapshot(Buffer.from(snapshot, 'hex'));
      expect(theirs).toEqual(expected.entries[offset]);
      // The snapshot at the end was taken by a broker that had forgotten expired producers.
      if (offset !== '213') expect(sorted(states.entries())).toEqual(sorted(theirs));
    }
    expect(seen).toEqual(Object.keys(expected.snapshots));
    expect(aborted).toEqual(expected.aborted);
    states.advanceHighWatermark(213);
    expect(states.firstUnstableOffset).toBe(expected.reported.lastStableOffset);
  });

  test('gives the same end, from whichever snapshot the replay starts', () => {
    const whole = new ProducerStates();
    for (const batch of batches(log)) whole.append(batch);
    for (const [offset, bytes] of Object.entries(expected.snapshots)) {
      if (offset === '213') continue;
      const states = new ProducerStates();
      const entries = decodeProducerSnapshot(Buffer.from(bytes, 'hex'));
      states.load(entries, { offset: Number(offset), ...forever });
      for (const batch of batches(log)) {
        if (batch.baseOffset >= Number(offset)) states.append(batch);
      }
      expect(sorted(states.entries())).toEqual(sorted(whole.entries()));
      expect(states.firstUnstableOffset).not.toBeNull();
    }
  });
});
