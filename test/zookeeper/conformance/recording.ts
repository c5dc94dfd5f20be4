/** What ZooKeeper 3.8.4 answered in each case; made by test/compat/zookeeper-conformance.test.ts with CONFORMANCE_RECORD=1. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Case } from './case.ts';

const PATH = 'test/fixtures/zookeeper/conformance.json';

export type Recording = Readonly<Record<string, readonly string[]>>;

export const readRecording = (): Recording => JSON.parse(readFileSync(PATH, 'utf8')) as Recording;

/** A case on a line, so that a change can be seen as one. */
export const writeRecording = (recording: Recording): void => {
  const lines = Object.entries(recording).map(
    ([name, answers]) => `${JSON.stringify(name)}: ${JSON.stringify(answers)}`,
  );
  writeFileSync(PATH, `{\n${lines.join(',\n')}\n}\n`);
};

/** What the embedded server must answer: the same, but where it differs on purpose. */
export const wantedOf = (one: Case, recording: Recording): readonly string[] =>
  one.deviation?.ours ?? recording[one.name] ?? ['this case was not recorded'];
