import { type RegisterOperation, violationsOf } from './register-history.ts';

const operation = (
  type: RegisterOperation['type'],
  version: number,
  startMs: number,
  endMs: number,
  other: Partial<RegisterOperation> = {},
): RegisterOperation => ({
  path: '/r',
  type,
  value: `v${version}`,
  version,
  mzxid: BigInt(version + 10),
  startMs,
  endMs,
  ...other,
});

test('concurrent operations may come in either order', () => {
  const write = operation('write', 1, 0, 10);
  expect(violationsOf([write, operation('read', 0, 1, 9), operation('read', 1, 2, 3)])).toEqual([]);
});

test.each<[string, RegisterOperation[]]>([
  ['a read of what was overwritten', [operation('write', 2, 0, 1), operation('read', 1, 2, 3)]],
  ['a read that goes back', [operation('read', 2, 0, 1), operation('read', 1, 2, 3)]],
  [
    'a write that is lost',
    [operation('write', 2, 0, 1), operation('write', 2, 2, 3, { value: 'w', mzxid: 13n })],
  ],
  [
    'two values of a version',
    [operation('read', 2, 0, 9), operation('read', 2, 0, 9, { value: 'w' })],
  ],
  [
    'two zxids of a version',
    [operation('read', 2, 0, 9), operation('read', 2, 0, 9, { mzxid: 3n })],
  ],
  [
    'a zxid that goes back with the version',
    [operation('read', 1, 0, 9), operation('read', 2, 0, 9, { mzxid: 3n })],
  ],
  [
    'a zxid that goes back on another node',
    [operation('write', 5, 0, 1), operation('write', 1, 2, 3, { path: '/s' })],
  ],
])('%s is found', (_name, history) => {
  expect(violationsOf(history)).not.toEqual([]);
});
