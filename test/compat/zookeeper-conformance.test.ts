/**
 * The conformance cases (test/zookeeper/conformance) against real ZooKeepers: the one that comes with Apache Kafka 3.9, and
 * Debian's older one. What they answer must be what was recorded, byte for byte; with CONFORMANCE_RECORD=1 it is recorded anew.
 */
import type { Case, Profile } from '../zookeeper/conformance/case.ts';
import { cases } from '../zookeeper/conformance/cases.ts';
import {
  type Recording,
  readRecording,
  writeRecording,
} from '../zookeeper/conformance/recording.ts';
import { ping } from '../zookeeper/conformance/requests.ts';
import { Bench, runCase, SUPER_DIGEST } from '../zookeeper/conformance/runner.ts';
import { cleanUp, pause } from './processes.ts';
import { describeWith } from './software.ts';
import { startZooKeeper } from './zookeepers.ts';

const START_MS_MAX = 120_000;
const isRecording = process.env.CONFORMANCE_RECORD === '1';

const common = [
  'maxSessionTimeout=60000',
  'forceSync=no',
  `DigestAuthenticationProvider.superDigest=${SUPER_DIGEST}`,
];

/** How to start a server for a profile; the interval cannot be set in the file of settings. */
const profiles: Readonly<Record<Profile, { settings: readonly string[]; javaOptions: string }>> = {
  plain: { settings: common, javaOptions: '' },
  enforcing: {
    settings: [...common, 'enforceQuota=true', 'reconfigEnabled=true'],
    javaOptions: '',
  },
  extended: {
    settings: [...common, 'extendedTypesEnabled=true'],
    // Between two checks there must be time for what the first one does: it is done again otherwise, which takes a zxid.
    javaOptions: '-Dznode.container.checkIntervalMs=2000',
  },
};

const start = async (kind: 'ZOOKEEPER' | 'DEBIAN_ZOOKEEPER', profile: Profile): Promise<Bench> => {
  const { settings, javaOptions } = profiles[profile];
  const { connectString } = await startZooKeeper(kind, settings, javaOptions);
  return openBench(Number(connectString.split(':')[1]));
};

/** A server that says `imok` may still turn clients away for a moment. */
const openBench = async (port: number): Promise<Bench> => {
  for (;;) {
    const bench = await Bench.open(port).catch(() => null);
    if (bench !== null) return bench;
    await pause(50);
  }
};

const suite =
  (kind: 'ZOOKEEPER' | 'DEBIAN_ZOOKEEPER', isCompared: (one: Case) => boolean) => () => {
    const benches: Partial<Record<Profile, Bench>> = {};
    const recording: Recording = isRecording ? {} : readRecording();
    const recorded: Record<string, string[]> = {};
    const compared = cases.filter((one) => one.deviation?.isUnsteady !== true && isCompared(one));

    beforeAll(async () => {
      benches.plain = await start(kind, 'plain');
      benches.enforcing = await start(kind, 'enforcing');
      benches.extended = await start(kind, 'extended');
    }, START_MS_MAX);

    // Two servers may have to wait long for their next case; nobody else keeps the sessions alive.
    beforeEach(async () => {
      for (const bench of Object.values(benches)) await bench.ask(ping());
    });

    afterAll(async () => {
      for (const bench of Object.values(benches)) bench.close();
      await cleanUp();
      if (isRecording && kind === 'ZOOKEEPER') writeRecording(recorded);
    });

    test.each(compared.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
      const bench = benches[one.profile];
      if (bench === undefined) throw new Error(`there is no server of kind ${one.profile}`);
      recorded[one.name] = await runCase(bench, one);
      if (!isRecording) expect(recorded[one.name]).toEqual(recording[one.name]);
    });
  };

describeWith(
  'ZOOKEEPER',
  'ZooKeeper 3.8.4',
  suite('ZOOKEEPER', () => true),
);

describeWith(
  'DEBIAN_ZOOKEEPER',
  "Debian's ZooKeeper",
  suite('DEBIAN_ZOOKEEPER', ({ since }) => since === null),
);
