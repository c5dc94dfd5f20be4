/** Which foreign software there is (found by prepare.ts), and suites that are skipped with a word where it is missing. */

export type Software = 'APACHE_KAFKA' | 'KCAT';

/** The command that runs it. */
export const commandOf = (software: Software): string => {
  const command = process.env[`COMPAT_${software}`];
  if (command === undefined) throw new Error(`${software} is not there`);
  return command;
};

/** A suite that needs `software`: skipped, and says why, where that is missing. */
export const describeWith = (software: Software, name: string, suite: () => void): void => {
  if (process.env[`COMPAT_${software}`] !== undefined) {
    describe(name, suite);
    return;
  }
  const reason = process.env[`COMPAT_${software}_MISSING`] ?? 'it was not looked for';
  describe.skip(`${name} (skipped: ${reason})`, suite);
};
