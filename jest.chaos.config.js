/** Real processes, killed again and again; how often is said by the environment (test/chaos/settings.ts). */
import base from './jest.config.js';

export default {
  ...base,
  roots: ['<rootDir>/test/chaos'],
  testMatch: ['**/*.chaos.ts'],
  testTimeout: 600_000,
};
