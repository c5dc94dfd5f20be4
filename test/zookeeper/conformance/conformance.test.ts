/** The conformance cases against the embedded server; what must come back was recorded from ZooKeeper. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realSystem } from '../../../system/system.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../../zookeeper/server/server.ts';
import type { Profile } from './case.ts';
import { cases } from './cases.ts';
import { readRecording, wantedOf } from './recording.ts';
import { Bench, runCase, SUPER_DIGEST } from './runner.ts';

const recording = readRecording();
const servers: ZooKeeperServer[] = [];
const benches: Partial<Record<Profile, Bench>> = {};
let folder: string;

const start = async (profile: Profile, options: object): Promise<void> => {
  const server = await startZooKeeperServer(realSystem(), {
    host: '127.0.0.1',
    port: 0,
    dataDir: join(folder, profile),
    syncs: false,
    superDigest: SUPER_DIGEST,
    ...options,
  });
  servers.push(server);
  benches[profile] = await Bench.open(server.port);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zookeeper-conformance-'));
  await start('plain', {});
  await start('enforcing', { enforceQuota: true, reconfigEnabled: true });
  await start('extended', { extendedTypesEnabled: true, containerCheckIntervalMs: 500 });
});

afterAll(async () => {
  for (const bench of Object.values(benches)) bench.close();
  for (const server of servers) await server.close();
  await rm(folder, { recursive: true });
});

test('every case has a name of its own, and a recording unless ZooKeeper cannot be asked', () => {
  const names = cases.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const recorded = cases.filter(({ deviation }) => deviation?.isUnsteady !== true);
  expect(Object.keys(recording)).toEqual(recorded.map(({ name }) => name));
});

test('a deviation is one', () => {
  const same = cases.filter(
    ({ name, deviation }) => JSON.stringify(deviation?.ours) === JSON.stringify(recording[name]),
  );
  expect(same.filter(({ deviation }) => deviation !== null)).toEqual([]);
});

test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
  const bench = benches[one.profile];
  if (bench === undefined) throw new Error(`there is no server of kind ${one.profile}`);
  expect(await runCase(bench, one)).toEqual(wantedOf(one, recording));
});
