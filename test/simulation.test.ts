/**
 * Whole clusters on virtual time: some seeds with every rule in force, each rule broken in turn, the same seed twice.
 * `npm run simulate` runs any number of seeds.
 */
import { type Mutant, mutants } from './simulation/mutants.ts';
import { simulate } from './simulation/simulate.ts';

const SEED_COUNT = 24;
const FAULT_MS = 8000;
/** Seeds a mutant may live through. */
const MUTANT_SEED_COUNT = 40;

describe('the simulated cluster', () => {
  test('keeps its promises under faults', async () => {
    for (let seed = 1; seed <= SEED_COUNT; seed++) {
      const { failure, ackedCount } = await simulate({ seed, faultMs: FAULT_MS });
      expect({ seed, failure }).toEqual({ seed, failure: null });
      expect(ackedCount).toBeGreaterThan(0);
    }
  }, 120_000);

  test('runs the same to the byte under the same seed', async () => {
    const first = await simulate({ seed: 7, faultMs: 10_000 });
    const second = await simulate({ seed: 7, faultMs: 10_000 });
    const other = await simulate({ seed: 8, faultMs: 10_000 });
    expect(second).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  }, 60_000);

  test.each(Object.keys(mutants) as Mutant[])(
    'notices %s',
    async (mutant) => {
      const found: string[] = [];
      for (let seed = 1; seed <= MUTANT_SEED_COUNT && found.length === 0; seed++) {
        const { failure } = await simulate({ seed, mutant });
        if (failure !== null) found.push(`${failure.name}: ${failure.message}`);
      }
      expect(found).toEqual([expect.stringMatching(/^Violation: /)]);
    },
    120_000,
  );
});
