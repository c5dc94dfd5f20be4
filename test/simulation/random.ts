/** Random numbers under a seed (sfc32): the only source of chance in a simulated run. */
import type { Random } from '../../system/random.ts';

export interface SeededRandom extends Random {
  /** A number in [low, high). */
  between(low: number, high: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** The same seed and name always give the same numbers, whatever other streams are used. */
export const seededRandom = (seed: number, name = ''): SeededRandom => {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let index = 0; index < name.length; index++) {
    a = (a ^ name.charCodeAt(index)) | 0;
    next();
  }
  for (let round = 0; round < 12; round++) next();
  const float = (): number => next() / 2 ** 32;
  const int = (limit: number): number => Math.floor(float() * limit);
  return {
    float,
    int,
    bytes(count) {
      const bytes = Buffer.alloc(count);
      for (let index = 0; index < count; index++) bytes[index] = next() & 0xff;
      return bytes;
    },
    between: (low, high) => low + float() * (high - low),
    chance: (probability) => float() < probability,
    pick<T>(items: readonly T[]): T {
      const index = int(items.length);
      if (index >= items.length) throw new Error('nothing to pick from');
      return items[index] as T;
    },
  };
};
