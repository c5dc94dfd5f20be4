import { Deadlines } from '../../broker/deadlines.ts';
import { ManualClock } from '../support/manual-clock.ts';

const open = () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const expired: [string, number][] = [];
  const add = (name: string, delayMs: number) =>
    deadlines.add(delayMs, () => void expired.push([name, clock.elapsedMs()]));
  return { clock, deadlines, expired, add };
};

test('each expires once, at its time or a moment later, in order', async () => {
  const { clock, expired, add } = open();
  add('late', 100);
  add('early', 10);
  await clock.advance(9);
  expect(expired).toEqual([]);
  await clock.advance(1000);
  expect(expired.map(([name]) => name)).toEqual(['early', 'late']);
  for (const [index, dueMs] of [10, 100].entries()) {
    const atMs = expired[index]?.[1] ?? 0;
    expect(atMs - dueMs).toBeGreaterThanOrEqual(0);
    expect(atMs - dueMs).toBeLessThanOrEqual(4);
  }
  expect(clock.timerCount).toBe(0);
});

test('one that is removed does not expire, and removing it again does no harm', async () => {
  const { clock, deadlines, expired, add } = open();
  const removed = add('removed', 10);
  add('kept', 10);
  deadlines.remove(removed);
  await clock.advance(50);
  deadlines.remove(removed);
  expect(expired.map(([name]) => name)).toEqual(['kept']);
});

test('a deadline without delay expires in the next moment, not at once', async () => {
  const { clock, expired, add } = open();
  add('now', 0);
  add('before', -50);
  expect(expired).toEqual([]);
  await clock.advance(4);
  expect(expired.map(([name]) => name)).toEqual(['now', 'before']);
});

test('an earlier one than all before moves the timer forward', async () => {
  const { clock, expired, add } = open();
  add('late', 1000);
  add('early', 20);
  await clock.advance(24);
  expect(expired.map(([name]) => name)).toEqual(['early']);
  expect(clock.timerCount).toBe(1);
});

test('whoever expires may add and remove others', async () => {
  const { clock, deadlines, expired, add } = open();
  const other = add('other', 40);
  deadlines.add(10, () => {
    deadlines.remove(other);
    add('next', 10);
  });
  await clock.advance(100);
  expect(expired.map(([name]) => name)).toEqual(['next']);
});

test('however many there are, there is one timer', () => {
  const { clock, add } = open();
  for (let index = 0; index < 1000; index++) add(String(index), index);
  expect(clock.timerCount).toBe(1);
});

test('all may be forgotten, or expire at once', async () => {
  const { clock, deadlines, expired, add } = open();
  add('forgotten', 10);
  deadlines.clear();
  expect(clock.timerCount).toBe(0);
  add('soon', 10);
  add('some time', 10_000);
  deadlines.expireAll();
  expect(expired.map(([name]) => name)).toEqual(['soon', 'some time']);
  await clock.advance(20_000);
  expect(expired).toHaveLength(2);
});
