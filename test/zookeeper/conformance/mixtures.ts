/**
 * Cases made from a seed: three clients that read, write, watch, lose their connections and come back, on a handful of paths.
 * They meet what nobody has thought of. Client c alone has lasting watches, because 3.8 mixes those up with others.
 */
import { a, b, type Case, c, casesOf, type Step } from './case.ts';
import {
  acl,
  addWatch,
  auth,
  check,
  closeSession,
  countDescendants,
  create,
  create2,
  exists,
  getAcl,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  multiRead,
  type Request,
  remove,
  removeWatches,
  setAcl,
  setData,
  setWatches,
  sync,
  whoAmI,
} from './requests.ts';

/** A small generator (mulberry32): the same seed gives the same numbers everywhere. */
const numbersFrom = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const PATHS = ['/b', '/b/x', '/b/x', '/b/y', '/b/x/1', '/b/x/2', '/b/y/1', '/b/x/1/q', '/b//x'];
const SEQUENCES = ['/b/s', '/b/x/s', '/b/', '/b/y/s'];
const VERSIONS = [-1, -1, -1, 0, 1, 2];
const DATA = [null, '', 'one', 'two'];
const LISTS = [
  [acl(31, 'world', 'anyone')],
  [acl(31, 'world', 'anyone')],
  [acl(15, 'world', 'anyone')],
  [acl(29, 'world', 'anyone'), acl(31, 'digest', 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=')],
  [acl(31, 'auth', '')],
  [acl(30, 'world', 'anyone')],
];

class Mixture {
  readonly #below: (below: number) => number;
  readonly #isOldWatcher: boolean;

  constructor(below: (below: number) => number, isOldWatcher: boolean) {
    this.#below = below;
    this.#isOldWatcher = isOldWatcher;
  }

  #of<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T;
  }

  #path = (): string => this.#of(PATHS);

  #watch(): number {
    return this.#isOldWatcher ? this.#below(2) : 0;
  }

  #writes: readonly (() => Request)[] = [
    () => this.#create(),
    () => this.#create(),
    () => create(this.#of(SEQUENCES), { flags: 2 + this.#below(2) }),
    () => create2(this.#path(), { data: this.#of(DATA) }),
    () => remove(this.#path(), this.#of(VERSIONS)),
    () => remove(this.#path()),
    () => setData(this.#path(), this.#of(DATA), this.#of(VERSIONS)),
    () => setData(this.#path(), this.#of(DATA)),
  ];

  #reads: readonly (() => Request)[] = [
    // Older servers let everybody ask whether a node is there, so it is not asked of a path that may be closed.
    () => exists(this.#of(['/b', '/c', '/b/nope']), this.#watch()),
    () => getData(this.#path(), this.#watch()),
    () => getChildren(this.#path(), this.#watch()),
    () => getChildren2(this.#path(), this.#watch()),
    () => getAcl(this.#path()),
    () => sync(this.#path()),
    () => countDescendants(this.#of(PATHS.slice(0, 5))),
    () => getEphemerals('/b'),
    () => multiRead(...this.#some(() => this.#of([getData, getChildren])(this.#path()))),
  ];

  #others: readonly (() => Request)[] = [
    () => setAcl(this.#of(PATHS.slice(1)), this.#of(LISTS), this.#of(VERSIONS)),
    () => auth('digest', 'bob:secret'),
    () => whoAmI(),
    () =>
      this.#isOldWatcher
        ? setWatches(this.#below(20), [this.#path()], [this.#path()], [this.#path()])
        : addWatch(this.#path(), this.#below(2)),
    () => removeWatches(this.#path(), this.#isOldWatcher ? 1 + this.#below(3) : 3),
  ];

  #create(): Request {
    return create(this.#path(), {
      data: this.#of(DATA),
      flags: this.#below(4) === 0 ? 1 : 0,
      acl: this.#below(5) === 0 ? this.#of(LISTS) : this.#of(LISTS.slice(0, 1)),
    });
  }

  #some(make: () => Request): Request[] {
    return Array.from({ length: 1 + this.#below(4) }, make);
  }

  request(): Request {
    const kind = this.#below(20);
    if (kind < 8) return this.#of(this.#writes)();
    if (kind < 15) return this.#of(this.#reads)();
    if (kind < 17) return this.#of(this.#others)();
    const steps = this.#some(() =>
      this.#below(4) === 0 ? check(this.#path(), this.#of(VERSIONS)) : this.#withoutStat(),
    );
    return multi(...steps);
  }

  /** Three requests for one write; ZooKeeper's replies to auth may overtake others, so there is none. */
  pipelined(): Request[] {
    return [0, 1, 2].map(() => this.request()).map((one) => (one.op === 100 ? whoAmI() : one));
  }

  /** Older servers leave out the stat of create2 in a multi. */
  #withoutStat(): Request {
    const made = this.#of(this.#writes)();
    return made.op === 15 ? { ...made, op: 1 } : made;
  }
}

const STEPS = 40;

const stepsFrom = (seed: number): Step[] => {
  const below = numbersFrom(seed);
  const old = new Mixture(below, true);
  const lasting = new Mixture(below, false);
  const steps: Step[] = [
    a.connect(),
    b.connect(),
    c.connect(),
    a(create('/b/x'), create('/b/y', { data: null }), create('/b/x/1')),
  ];
  while (steps.length < STEPS) {
    const client = [a, b, c][below(3)] ?? a;
    const mixture = client === c ? lasting : old;
    const kind = below(24);
    if (kind === 0) steps.push(client.drop(), client.resume());
    else if (kind === 1) steps.push(client(closeSession()), client.closes(), client.connect());
    else if (kind === 2) steps.push(client.together(...mixture.pipelined()));
    else steps.push(client(mixture.request()));
  }
  return steps;
};

/** Nodes of one session go in no order, and so do the events. */
export const mixturesOf = (seeds: readonly number[]): Case[] =>
  casesOf(
    'mixtures',
    Object.fromEntries(
      seeds.map((seed) => [`seed ${seed}`, [{ isUnordered: true }, ...stepsFrom(seed)]]),
    ),
  );

export const mixtureCases: Case[] = mixturesOf(Array.from({ length: 24 }, (_, index) => index + 1));
