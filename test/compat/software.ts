/** Which foreign software there is (found by prepare.ts), and suites that are skipped with a word where it is missing. */

export type Software =
  | 'APACHE_KAFKA'
  | 'KCAT'
  /** ZooKeeper servers, given a file of settings: the one in Apache Kafka, and Debian's. */
  | 'ZOOKEEPER'
  | 'DEBIAN_ZOOKEEPER'
  /** A Python that has kazoo. */
  | 'KAZOO'
  /** The folder in whose node_modules the package `zookeeper` is. */
  | 'NATIVE_ZOOKEEPER';

/** The command that runs it. */
export const commandOf = (software: Software): string => {
  const command = process.env[`COMPAT_${software}`];
  if (command === undefined) throw new Error(`${software} is not there`);
  return command;
};

/** A suite that needs `software` (all of it): skipped, and says why, where that is missing. */
export const describeWith = (
  software: Software | readonly Software[],
  name: string,
  suite: () => void,
): void => {
  const missing = [software].flat().find((each) => process.env[`COMPAT_${each}`] === undefined);
  if (missing === undefined) {
    describe(name, suite);
    return;
  }
  const reason = process.env[`COMPAT_${missing}_MISSING`] ?? 'it was not looked for';
  describe.skip(`${name} (skipped: ${reason})`, suite);
};
