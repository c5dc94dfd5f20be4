/** Jest runs the TypeScript sources through swc; suites that need other software have jest.compat.config.js. */
export default {
  testEnvironment: 'node',
  // For a slow or busy machine; no test waits for time to pass.
  testTimeout: 60_000,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/compat/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // The parts in which every line counts: bytes, coordination, storage.
  collectCoverageFrom: ['protocol/**/*.ts', 'zookeeper/**/*.ts', 'log/**/*.ts', '!**/*.d.ts'],
};
