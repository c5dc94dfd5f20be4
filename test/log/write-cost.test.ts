/** Who writes: the event loop what takes little, threads what takes long, by what writes have taken lately. */
import { WriteCost } from '../../log/write-cost.ts';
import { realClock } from '../../system/clock.ts';

const KIB = 1024;

/** A device on which a byte takes as long as it is told, and a clock that nothing else moves. */
const machine = () => {
  let nowMs = 0;
  const cost = new WriteCost({ ...realClock, elapsedMs: () => nowMs });
  /** Offers writes of a size; returns how many of them were made at once. */
  const offer = (count: number, byteCount: number, msPerMiB: number): number => {
    let atOnce = 0;
    for (let index = 0; index < count; index++) {
      if (cost.isForThread(byteCount)) continue;
      atOnce += 1;
      cost.measure(byteCount, () => {
        nowMs += 0.005 + (byteCount / (KIB * KIB)) * msPerMiB;
      });
    }
    return atOnce;
  };
  return offer;
};

test('where memory is at hand, everything up to 256 KiB is written at once', () => {
  const offer = machine();
  expect(offer(100, 64 * KIB, 0.3)).toBe(100);
  expect(offer(100, 256 * KIB, 0.3)).toBe(100);
  expect(offer(10, 256 * KIB + 1, 0.3)).toBe(0);
});

test('where pages are dear, threads write, and small writes are still made at once', () => {
  const offer = machine();
  offer(100, 64 * KIB, 3);
  expect(offer(160, 64 * KIB, 3)).toBe(10);
  expect(offer(160, 16 * KIB, 3)).toBe(160);
  expect(offer(160, 4 * KIB - 1, 3)).toBe(160);
});

test('what was dear and is not any more is found out', () => {
  const offer = machine();
  offer(100, 128 * KIB, 3);
  offer(600, 128 * KIB, 0.3);
  expect(offer(100, 128 * KIB, 0.3)).toBe(100);
});

test('one write that slept changes nothing for long', () => {
  const offer = machine();
  offer(100, 64 * KIB, 0.3);
  offer(1, 64 * KIB, 10_000);
  offer(400, 64 * KIB, 0.3);
  expect(offer(100, 64 * KIB, 0.3)).toBe(100);
});

test('writes too small to tell anything teach nothing', () => {
  const offer = machine();
  offer(100, 100, 10_000);
  expect(offer(100, 64 * KIB, 0.3)).toBe(100);
});
