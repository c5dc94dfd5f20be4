/** Logs that Apache Kafka wrote in magic 0 and 1: records found by time as Kafka finds them. */
import { LogManager } from '../../log/log-manager.ts';
import { realSystem } from '../../system/system.ts';
import { copyOfFixture, fixtureConfig, readJson, removeTempDirectories } from './log-support.ts';

interface Lookup {
  readonly lookup: number;
  readonly errorCode: number;
  readonly timestamp: number;
  readonly offset: number;
}

const MAX_TIMESTAMP = -3;

afterAll(removeTempDirectories);

test.each([
  ['old-formats', 3],
  ['old-formats-append-time', 1],
])('%s', async (fixture, logCount) => {
  const lookups = readJson('old-formats-lookups.json') as Record<string, readonly Lookup[]>;
  const manager = await LogManager.open(realSystem(), {
    logDirs: [copyOfFixture(fixture)],
    brokerId: null,
    defaultConfig: fixtureConfig,
    topicConfigs: new Map(),
  });
  const logs = [...manager.all()];
  expect(logs).toHaveLength(logCount);
  for (const log of logs) {
    for (const { lookup, timestamp, offset, errorCode } of lookups[log.topic] ?? []) {
      if (errorCode !== 0 || (lookup < 0 && lookup !== MAX_TIMESTAMP)) continue;
      const found = await (lookup === MAX_TIMESTAMP
        ? log.maxTimestamp()
        : log.offsetForTimestamp(lookup));
      const answer = [log.topic, lookup, found?.timestamp ?? -1, found?.offset ?? -1];
      expect(answer).toEqual([log.topic, lookup, timestamp, offset]);
    }
  }
  await manager.close();
});
