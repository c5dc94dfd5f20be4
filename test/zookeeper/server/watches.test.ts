/** Watches against a plain list of them: few and many paths of a watcher, few and many watchers of a path. */
import { openAcl } from '../../../zookeeper/records.ts';
import { Watches, watchKinds } from '../../../zookeeper/server/watches.ts';
import { seededRandom } from '../../simulation/random.ts';

const PATHS = Array.from({ length: 30 }, (_, index) => `/p${index}`);
const WATCHERS = ['anna', 'ben', 'cleo', 'dan'];

test('a thousand random changes leave the watches that a list would hold', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const watches = new Watches<string>();
    let model: string[] = [];
    for (let turn = 0; turn < 1_000; turn++) {
      const path = random.pick(PATHS);
      const watcher = random.pick(WATCHERS);
      const key = `${path} ${watcher}`;
      const action = random.int(60);
      if (action < 40) {
        watches.add('data', path, watcher);
        if (!model.includes(key)) model.push(key);
      } else if (action < 48) {
        expect(watches.remove(['data'], path, watcher)).toBe(model.includes(key));
        model = model.filter((each) => each !== key);
      } else if (action < 59) {
        const told: string[] = [];
        const event = { type: 'dataChanged', path, acl: openAcl, parentAcl: [] } as const;
        watches.fire(event, (who) => told.push(`${path} ${who}`));
        expect(told).toEqual(model.filter((each) => each.startsWith(`${path} `)));
        model = model.filter((each) => !each.startsWith(`${path} `));
      } else {
        watches.removeWatcher(watcher);
        model = model.filter((each) => !each.endsWith(` ${watcher}`));
      }
    }
    const held = [...watches.watchersByPath()].flatMap(([path, watchers]) =>
      [...watchers].map((watcher) => `${path} ${watcher}`),
    );
    expect({ seed, held: held.sort() }).toEqual({ seed, held: [...model].sort() });
    expect(watches.size).toBe(model.length);
    for (const path of PATHS)
      for (const watcher of WATCHERS)
        expect(watches.has(watchKinds, path, watcher)).toBe(model.includes(`${path} ${watcher}`));
    for (const watcher of WATCHERS) {
      const own = model.filter((each) => each.endsWith(` ${watcher}`));
      const bytes = own.reduce((sum, each) => sum + each.indexOf(' ') + 200, 0);
      expect(watches.bytesOf(watcher)).toBe(bytes);
    }
  }
});
