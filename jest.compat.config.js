/** The suites that need foreign software: they run one after the other, after an attempt to install what is missing. */
import base from './jest.config.js';

export default {
  ...base,
  roots: ['<rootDir>/test/compat'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/compat/prepare.ts',
  testTimeout: 240_000,
};
