/** Waiting for the metadata cache: at once, by news of a topic, by the deadline. */
import { TopicWaits } from '../../broker/topic-waits.ts';
import { ManualClock } from '../support/manual-clock.ts';

const open = () => {
  const clock = new ManualClock();
  return { clock, waits: new TopicWaits(clock) };
};

test('what is done already needs no waiting', async () => {
  const { clock, waits } = open();
  expect(await waits.wait(['a'], () => true, 1000)).toBe(true);
  expect(clock.timerCount).toBe(0);
});

test('news of its topic ends a wait, but only once it is done', async () => {
  const { clock, waits } = open();
  const present = new Set<string>();
  const outcome = waits.wait(['a', 'b'], () => present.has('a') && present.has('b'), 1000);
  let isEnded = false;
  void outcome.then(() => {
    isEnded = true;
  });
  present.add('a');
  waits.check(['a']);
  present.add('b');
  waits.check(['c']);
  await clock.advance(0);
  expect(isEnded).toBe(false);
  waits.check(['c', 'b']);
  expect(await outcome).toBe(true);
});

test('the deadline ends a wait, with the truth of that moment', async () => {
  const { clock, waits } = open();
  let isDone = false;
  const late = waits.wait(['a'], () => isDone, 100);
  const tooLate = waits.wait(['a'], () => false, 100);
  isDone = true;
  await clock.advance(104);
  expect(await late).toBe(true);
  expect(await tooLate).toBe(false);
});

test('no time at all ends it with the next tick', async () => {
  const { clock, waits } = open();
  const outcome = waits.wait(['a'], () => false, -5);
  await clock.advance(4);
  expect(await outcome).toBe(false);
});

test('stopping ends all waits and leaves no timer behind', async () => {
  const { clock, waits } = open();
  const outcome = waits.wait(['a', 'b'], () => false, 60_000);
  waits.stop();
  expect(await outcome).toBe(false);
  expect(clock.timerCount).toBe(0);
});
