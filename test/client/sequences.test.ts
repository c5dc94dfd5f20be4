import { Accumulator, type Batch, type PartitionQueue } from '../../client/accumulator.ts';
import { Sequences } from '../../client/sequences.ts';

let accumulator: Accumulator;
let queue: PartitionQueue;
let sequences: Sequences;

beforeEach(() => {
  const limits = { batchBytes: 1, lingerMs: 0, bufferBytes: 10_000, isCompressed: false };
  accumulator = new Accumulator(limits);
  queue = accumulator.queue('t', 0);
  sequences = new Sequences();
  sequences.start(7, 0);
});

const append = (): void => {
  accumulator.append(queue, { key: null, value: Buffer.from('x') }, null, 0);
};

/** Takes the next batch, as the sender does that is about to send it. */
const send = (): Batch => {
  append();
  expect(sequences.maySend(queue)).toBe(true);
  const batch = accumulator.take(queue);
  sequences.assign(batch);
  return batch;
};

const giveUp = (batch: Batch): void => {
  sequences.abandoned(batch);
  accumulator.done(batch);
};

describe('behind a batch that was given up after it was sent', () => {
  test('others keep their numbers: the broker may have them all', () => {
    const [first, second] = [send(), send()];
    giveUp(first);
    expect(queue.needsBump).toBe(false);
    accumulator.putBack(second);
    expect(sequences.maySend(queue)).toBe(true);
    expect(second.baseSequence).toBe(1);
    sequences.acknowledged(accumulator.take(queue));
    expect(queue.needsBump).toBe(false);
    expect(send().baseSequence).toBe(2);
  });

  test('nothing new is numbered before the broker has told whether it has it', () => {
    const [first, second] = [send(), send()];
    giveUp(first);
    append();
    expect(sequences.maySend(queue)).toBe(false);
    sequences.acknowledged(second);
    expect(sequences.maySend(queue)).toBe(true);
  });

  test('a gap shows that the broker has none of them, and they are numbered anew', () => {
    const [first, second] = [send(), send()];
    giveUp(first);
    expect(sequences.isGapExpected(second)).toBe(false);
    queue.needsBump = true;
    sequences.bump(queue);
    expect(second).toMatchObject({ producerEpoch: 1, baseSequence: 0 });
  });

  test('numbering starts anew when there are no others', () => {
    giveUp(send());
    expect(queue.needsBump).toBe(true);
  });
});
