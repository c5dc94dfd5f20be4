/**
 * The simulation as a program: `npm run simulate -- [--seeds N] [--start S] [--seed S [--trace]] [--mutant NAME]`.
 * Runs seed after seed; the first that breaks a rule ends it with exit code 1 and the command that replays it.
 * With a mutant a broken rule is what must be found: exit code 1 when no seed finds it.
 */
import { parseArgs } from 'node:util';
import { isMutant, type Mutant, mutants } from './mutants.ts';
import { type SimulationResult, simulate } from './simulate.ts';

const USAGE = `Usage: npm run simulate -- [options]
  --seeds N        how many seeds to run (100)
  --start S        the first seed (1)
  --seed S         this seed only
  --trace          print what happens (with --seed)
  --mutant NAME    break a rule: ${Object.keys(mutants).join(', ')}
  --fault-ms N     how long faults go on in each run`;

/** Seeds from one sign of life to the next. */
const PROGRESS_COUNT = 100;

interface Options {
  readonly seeds: readonly number[];
  readonly isTraced: boolean;
  readonly mutant: Mutant | null;
  readonly faultMs: number | undefined;
}

const readOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '100' },
      start: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      mutant: { type: 'string' },
      'fault-ms': { type: 'string' },
    },
  });
  const number = (text: string): number => {
    if (!/^\d+$/.test(text)) throw new Error(`${text} is not a number`);
    return Number(text);
  };
  const { mutant = null } = values;
  if (mutant !== null && !isMutant(mutant)) throw new Error(`there is no mutant ${mutant}`);
  const start = number(values.start);
  return {
    seeds:
      values.seed === undefined
        ? Array.from({ length: number(values.seeds) }, (_, index) => start + index)
        : [number(values.seed)],
    isTraced: values.trace && values.seed !== undefined,
    mutant,
    faultMs: values['fault-ms'] === undefined ? undefined : number(values['fault-ms']),
  };
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const describe = ({ seed, digest, eventCount, virtualMs, ackedCount }: SimulationResult): string =>
  `seed ${seed}: ${digest}, ${eventCount} events in ${(virtualMs / 1000).toFixed(1)} s, ` +
  `${ackedCount} records acknowledged`;

const main = async (): Promise<number> => {
  const { seeds, isTraced, mutant, faultMs } = readOptions(process.argv.slice(2));
  const startedMs = performance.now();
  let virtualMs = 0;
  for (const seed of seeds) {
    const result = await simulate({
      seed,
      mutant,
      print: isTraced ? print : null,
      ...(faultMs === undefined ? {} : { faultMs }),
    });
    virtualMs += result.virtualMs;
    if (result.failure !== null) return report(result, mutant, faultMs);
    if (seeds.length === 1) print(describe(result));
    else if ((seed - (seeds[0] ?? 0) + 1) % PROGRESS_COUNT === 0) print(`up to seed ${seed}: fine`);
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  print(
    `${seeds.length} seeds, ${(virtualMs / 1000).toFixed(0)} s of virtual time, took ${seconds} s`,
  );
  if (mutant === null) return 0;
  print(`nothing was noticed of ${mutant}: ${mutants[mutant].what}`);
  return 1;
};

const report = (
  result: SimulationResult,
  mutant: Mutant | null,
  faultMs: number | undefined,
): number => {
  const { failure } = result;
  print(describe(result));
  print(failure?.name === 'Violation' ? failure.message : String(failure?.stack));
  const options =
    (mutant === null ? '' : ` --mutant ${mutant}`) +
    (faultMs === undefined ? '' : ` --fault-ms ${faultMs}`);
  print(`replay: npm run simulate -- --seed ${result.seed}${options} --trace`);
  return mutant === null ? 1 : 0;
};

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
  process.exitCode = 2;
}
