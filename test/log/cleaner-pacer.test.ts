import { Pacer } from '../../log/cleaner/pacer.ts';
import { Throttle } from '../../log/throttle.ts';
import type { Clock } from '../../system/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A job of steps that take time, run while others take `othersMs` whenever they get the event loop. */
const paced = async (stepMs: number, othersMs: number) => {
  const manual = new ManualClock();
  let nowMs = 0;
  let turns = 0;
  const waits: number[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    elapsedMs: () => nowMs,
    setTimer: (delayMs, callback) => manual.setTimer(delayMs, callback),
    sleep: (delayMs) => manual.sleep(delayMs),
    defer: (callback) => {
      turns += 1;
      nowMs += othersMs;
      setImmediate(callback);
    },
  };
  let checks = 0;
  const pacer = new Pacer(clock, {
    throttle: new Throttle(clock, Number.MAX_VALUE),
    check: () => {
      checks += 1;
    },
    wait: async (delayMs) => {
      waits.push(delayMs);
    },
  });
  const result = await pacer.run(
    (function* () {
      for (let step = 0; step < 100; step++) {
        nowMs += stepMs;
        yield;
      }
      return 'done';
    })(),
  );
  return { pacer, result, turns, waits, checks: () => checks };
};

test('short jobs are not interrupted', async () => {
  expect(await paced(0.001, 0)).toMatchObject({ result: 'done', turns: 0, waits: [] });
});

test('long ones give the event loop back again and again, and go on at once where nobody needs it', async () => {
  const { result, turns, waits } = await paced(0.5, 0);
  expect(result).toBe('done');
  expect(turns).toBeGreaterThan(20);
  expect(waits).toEqual([]);
});

test('others that are at work get more of it', async () => {
  const { result, turns, waits } = await paced(0.5, 0.2);
  expect(result).toBe('done');
  expect(waits.length).toBe(turns);
  expect(Math.min(...waits)).toBeGreaterThan(0);
});

test('what a thread does is waited for, and then everything is checked again', async () => {
  const { pacer, checks } = await paced(0.001, 0);
  expect(await pacer.outcome('here')).toBe('here');
  expect(checks()).toBe(0);
  expect(await pacer.outcome(Promise.resolve('there'))).toBe('there');
  expect(checks()).toBe(1);
  await expect(pacer.outcome(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});
