/** The clock of a simulated process: the world's time, a wall clock of its own, timers that end with the process. */
import type { Clock } from '../../system/clock.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** Where the wall clock stands when a run begins. */
const EPOCH_MS = 1_700_000_000_000;

/** `skewMs`: how far the host's wall clock is off. */
export const simClock = (world: World, process: SimProcess, skewMs: number): Clock => {
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const event = world.schedule(delayMs, process, callback);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  };
  return {
    nowMs: () => EPOCH_MS + Math.floor(world.nowMs + skewMs),
    elapsedMs: () => world.nowMs,
    // Node's timers take whole milliseconds, at least one; a loop of zero delays could not move time.
    setTimer: (delayMs, callback) => setTimer(Math.max(1, Math.ceil(delayMs)), callback),
    defer: (callback) => void world.schedule(0, process, callback),
    sleep: (delayMs) =>
      new Promise((resolve) => void setTimer(Math.max(1, Math.ceil(delayMs)), resolve)),
  };
};
