import {
  type LeaderAndIsr,
  type LeaderFacts,
  PartitionState,
} from '../../../broker/replication/partition.ts';

const decision = (changes: Partial<LeaderAndIsr> = {}): LeaderAndIsr => ({
  controllerEpoch: 1,
  leader: 1,
  leaderEpoch: 1,
  partitionEpoch: 0,
  isr: [1, 2, 3],
  replicas: [1, 2, 3],
  addingReplicas: [],
  removingReplicas: [],
  ...changes,
});

const facts = (changes: Partial<LeaderFacts> = {}): LeaderFacts => ({
  logEndOffset: 10,
  nowMs: 0,
  minInsyncReplicas: 1,
  lagMsMax: 30_000,
  isAlive: () => true,
  ...changes,
});

const LATE = 100_000;

/** Broker 1 leads a log that ended at `start` when it began. */
const leader = (changes: Partial<LeaderAndIsr> = {}, start = 0): PartitionState => {
  const state = new PartitionState('t', 0, 1, 0);
  expect(state.makeLeader(decision(changes), start, 0)).toBe(true);
  return state;
};

const fetch = (state: PartitionState, brokerId: number, fetchOffset: number, now = facts()) => {
  const proposal = state.recordFollowerFetch({ brokerId, fetchOffset, logStartOffset: 0 }, now);
  state.advanceHighWatermark(now);
  return proposal;
};

describe('the high watermark', () => {
  test('does not count what followers had before an epoch that this leader never heard of', () => {
    const state = leader();
    fetch(state, 2, 10);
    fetch(state, 3, 7);
    // In epoch 2 another broker led, whose log was shorter, and 2 cut its own.
    state.makeLeader(decision({ leaderEpoch: 3, partitionEpoch: 2, isr: [1, 2] }), 10, 0);
    expect(state.advanceHighWatermark(facts())).toBe(false);
    expect(state.highWatermark).toBe(7);
    fetch(state, 2, 8);
    expect(state.highWatermark).toBe(8);
  });

  test('counts what followers have when this leader is elected again at once', () => {
    const state = leader();
    fetch(state, 2, 10);
    fetch(state, 3, 7);
    state.makeLeader(decision({ leaderEpoch: 2, partitionEpoch: 1, isr: [1, 2] }), 10, LATE);
    state.advanceHighWatermark(facts({ nowMs: LATE }));
    expect(state.highWatermark).toBe(10);
  });

  test('is what all in-sync replicas have', () => {
    const state = leader();
    fetch(state, 2, 10);
    expect(state.highWatermark).toBe(0);
    fetch(state, 3, 7);
    expect(state.highWatermark).toBe(7);
  });

  test('does not move while a member of the ISR has not fetched from this leader', () => {
    const state = leader();
    fetch(state, 2, 10);
    expect(state.highWatermark).toBe(0);
  });

  test('is held by a replica outside of the ISR as long as that is caught up', () => {
    const state = leader({ isr: [1, 2] });
    fetch(state, 3, 10, facts({ nowMs: 0, isAlive: () => false }));
    fetch(state, 2, 20, facts({ logEndOffset: 20 }));
    expect(state.highWatermark).toBe(10);
    fetch(state, 2, 20, facts({ logEndOffset: 20, nowMs: LATE }));
    expect(state.highWatermark).toBe(20);
  });

  test('is not held by a replica that is not registered', () => {
    const state = leader({ isr: [1, 2] });
    fetch(state, 3, 10, facts({ isAlive: () => false }));
    fetch(state, 2, 20, facts({ logEndOffset: 20, isAlive: (id) => id !== 3 }));
    expect(state.highWatermark).toBe(20);
  });

  test('stands still under min.insync.replicas (KAFKA-15583)', () => {
    const state = leader({ isr: [1], replicas: [1, 2] });
    const few = facts({ minInsyncReplicas: 2, nowMs: LATE });
    expect(state.isUnderMinIsr(2)).toBe(true);
    expect(state.advanceHighWatermark(few)).toBe(false);
    expect(state.advanceHighWatermark(facts({ nowMs: LATE }))).toBe(true);
  });

  test('needs no more in-sync replicas than there are replicas', () => {
    const state = leader({ isr: [1], replicas: [1] });
    expect(state.isUnderMinIsr(3)).toBe(false);
    expect(state.advanceHighWatermark(facts({ minInsyncReplicas: 3 }))).toBe(true);
  });

  test('waits until a member of the ISR that is no replica any more has left it', () => {
    const state = leader({ isr: [1, 2, 9], replicas: [1, 2] });
    fetch(state, 2, 10);
    expect(state.highWatermark).toBe(0);
    const proposal = state.shrinkIsr(facts());
    if (proposal === null) throw new Error('no proposal');
    expect(proposal.isr).toEqual([1, 2]);
    state.applyIsrAnswer(proposal, { type: 'accepted', ...proposal });
    state.advanceHighWatermark(facts());
    expect(state.highWatermark).toBe(10);
  });

  test('is held by a replica that may be joining the ISR', () => {
    const state = leader({ isr: [1, 2] });
    fetch(state, 2, 10);
    expect(fetch(state, 3, 10)).toMatchObject({ isr: [1, 2, 3] });
    fetch(state, 2, 20, facts({ logEndOffset: 20, nowMs: LATE }));
    expect(state.highWatermark).toBe(10);
    expect(state.isr).toEqual([1, 2]);
    expect(state.maximalIsr).toEqual([1, 2, 3]);
  });

  test('is held by a replica that may be leaving the ISR', () => {
    const state = leader();
    fetch(state, 2, 10);
    fetch(state, 3, 5);
    const late = facts({ logEndOffset: 20, nowMs: LATE });
    fetch(state, 2, 20, late);
    expect(state.shrinkIsr(late)).toMatchObject({ isr: [1, 2] });
    expect(state.advanceHighWatermark(late)).toBe(false);
    expect(state.highWatermark).toBe(5);
  });

  test('of a follower is the one of its leader, within its own log, and may go down', () => {
    const state = new PartitionState('t', 0, 1, 5);
    state.makeFollower(decision({ leader: 2 }));
    state.followHighWatermark(9, 0, 7);
    expect(state.highWatermark).toBe(7);
    state.followHighWatermark(4, 0, 7);
    expect(state.highWatermark).toBe(4);
    state.followHighWatermark(1, 3, 7);
    expect(state.highWatermark).toBe(3);
  });

  test('goes down with the log only', () => {
    const state = new PartitionState('t', 0, 1, 5);
    state.truncated(0, 8);
    expect(state.highWatermark).toBe(5);
    state.truncated(0, 4);
    expect(state.highWatermark).toBe(4);
  });
});

describe('the ISR', () => {
  test('takes a replica that has all that is committed and all from before this leader', () => {
    const state = leader({ isr: [1, 2] }, 8);
    state.highWatermark = 5;
    expect(fetch(state, 3, 4)).toBeNull();
    // KAFKA-7128: the watermark of a new leader may lag behind what its predecessor acknowledged.
    expect(fetch(state, 3, 6)).toBeNull();
    expect(fetch(state, 3, 8)).toEqual({ isr: [1, 2, 3], leaderEpoch: 1, partitionEpoch: 0 });
  });

  test('takes nobody who is not registered', () => {
    const state = leader({ isr: [1, 2] });
    expect(fetch(state, 3, 10, facts({ isAlive: () => false }))).toBeNull();
  });

  test('changes by one proposal at a time', () => {
    const state = leader({ isr: [1] });
    expect(fetch(state, 2, 10)).not.toBeNull();
    expect(fetch(state, 3, 10)).toBeNull();
    expect(state.shrinkIsr(facts({ nowMs: LATE }))).toBeNull();
  });

  test('loses all that lag, in one proposal', () => {
    const state = leader();
    fetch(state, 2, 5);
    fetch(state, 3, 4);
    expect(state.shrinkIsr(facts({ nowMs: 30_000 }))).toBeNull();
    expect(state.shrinkIsr(facts({ nowMs: 30_001 }))?.isr).toEqual([1]);
  });

  test('keeps a replica that ends where the leader ends, however long ago that was (KAFKA-7152)', () => {
    const state = leader({ isr: [1, 2], replicas: [1, 2] });
    fetch(state, 2, 10);
    expect(state.shrinkIsr(facts({ nowMs: LATE }))).toBeNull();
  });

  test('keeps a replica that is one round behind a busy leader (KAFKA-4485)', () => {
    const state = leader({ isr: [1, 2], replicas: [1, 2] });
    for (let round = 1; round <= 10; round++) {
      const nowMs = round * 20_000;
      fetch(state, 2, (round - 1) * 10, facts({ logEndOffset: round * 10, nowMs }));
      expect(state.shrinkIsr(facts({ logEndOffset: round * 10, nowMs }))).toBeNull();
    }
  });

  test('is what the controller says, once it has answered', () => {
    const state = leader({ isr: [1, 2] });
    const proposal = fetch(state, 3, 10);
    if (proposal === null) throw new Error('no proposal');
    const answer = { type: 'accepted', isr: [1, 2, 3], leaderEpoch: 1, partitionEpoch: 1 } as const;
    expect(state.applyIsrAnswer(proposal, answer)).toBeNull();
    expect(state.isr).toEqual([1, 2, 3]);
    expect(state.partitionEpoch).toBe(1);
  });

  test('leaves the pending state by an answer of the same partition epoch, too (KAFKA-12751)', () => {
    const state = leader({ isr: [1, 2], partitionEpoch: 4 });
    const proposal = fetch(state, 3, 10);
    if (proposal === null) throw new Error('no proposal');
    const answer = { type: 'accepted', isr: [1, 2, 3], leaderEpoch: 1, partitionEpoch: 4 } as const;
    state.applyIsrAnswer(proposal, answer);
    expect(state.isrState.type).toBe('committed');
  });

  test.each([
    ['another leader epoch', { leaderEpoch: 2, partitionEpoch: 9 }],
    ['an older partition epoch', { leaderEpoch: 1, partitionEpoch: 3 }],
  ])('stays as proposed after an answer of %s', (_, epochs) => {
    const state = leader({ isr: [1, 2], partitionEpoch: 4 });
    const proposal = fetch(state, 3, 10);
    if (proposal === null) throw new Error('no proposal');
    state.applyIsrAnswer(proposal, { type: 'accepted', isr: [1, 2, 3], ...epochs });
    expect(state.isrState.type).toBe('pendingExpand');
  });

  test('goes back when refused, waits when superseded, asks again when nothing is known', () => {
    const state = leader({ isr: [1, 2] });
    const proposal = fetch(state, 3, 10);
    if (proposal === null) throw new Error('no proposal');
    expect(state.applyIsrAnswer(proposal, { type: 'failed' })).toBe(proposal);
    expect(state.applyIsrAnswer(proposal, { type: 'superseded' })).toBeNull();
    expect(state.isrState.type).toBe('pendingExpand');
    expect(state.applyIsrAnswer(proposal, { type: 'refused' })).toBeNull();
    expect(state.isrState.type).toBe('committed');
  });

  test('does not hear answers to what a new decision has overtaken (KAFKA-12686)', () => {
    const state = leader({ isr: [1, 2, 3] });
    fetch(state, 2, 10);
    const shrink = state.shrinkIsr(facts({ nowMs: LATE }));
    if (shrink === null) throw new Error('no proposal');
    state.makeLeader(decision({ leaderEpoch: 2, partitionEpoch: 1 }), 10, LATE);
    state.applyIsrAnswer(shrink, {
      type: 'accepted',
      isr: [1, 2],
      leaderEpoch: 2,
      partitionEpoch: 2,
    });
    expect(state.isr).toEqual([1, 2, 3]);
  });
});

describe('roles', () => {
  test('a decision with an older partition epoch is passed over', () => {
    const state = leader({ partitionEpoch: 5 });
    expect(state.makeLeader(decision({ leaderEpoch: 2, partitionEpoch: 4 }), 0, 0)).toBe(false);
    expect(state.makeFollower(decision({ leaderEpoch: 2, partitionEpoch: 4 }))).toBe(false);
    expect(state.leaderEpoch).toBe(1);
  });

  test('a leader that goes on leading keeps what followers have told it', () => {
    const state = leader();
    fetch(state, 2, 6);
    state.makeLeader(decision({ leaderEpoch: 2, partitionEpoch: 1 }), 10, 50);
    expect(state.remoteReplica(2)).toMatchObject({ logEndOffset: 6, lastCaughtUpMs: 50 });
    expect(state.leaderEpochStartOffset).toBe(10);
  });

  test('a new leader trusts no offset that was told to another', () => {
    const state = leader();
    fetch(state, 2, 6);
    state.makeFollower(decision({ leader: 2, leaderEpoch: 2, partitionEpoch: 1 }));
    expect(state.isLeader).toBe(false);
    expect(state.remoteReplica(2)).toBeUndefined();
    state.makeLeader(decision({ leaderEpoch: 3, partitionEpoch: 2 }), 10, 50);
    expect(state.remoteReplica(2)).toMatchObject({ logEndOffset: -1, logStartOffset: -1 });
  });

  test('every rise of the epoch has a follower check its log, also under the same leader (KAFKA-7164)', () => {
    const state = new PartitionState('t', 0, 1, 0);
    expect(state.makeFollower(decision({ leader: 2, leaderEpoch: 1 }))).toBe(true);
    expect(state.makeFollower(decision({ leader: 2, leaderEpoch: 3, partitionEpoch: 2 }))).toBe(
      true,
    );
  });
});
