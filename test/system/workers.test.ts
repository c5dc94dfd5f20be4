/** Real threads. They cannot run sources, so this file compiles what they need. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { realWorkers, ThreadPool, WorkerError } from '../../system/workers.ts';

const directory = mkdtempSync(join(tmpdir(), 'barnabas-workers-'));

const TASK = `
export const run = ({ command, bytes }) => {
  if (command === 'fail') throw new Error('on purpose');
  if (command === 'die') process.exit(3);
  const result = new Uint8Array(bytes.map((byte) => byte + 1));
  return { result, transfer: [result.buffer] };
};
`;

const written = (name: string, text: string): URL => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return pathToFileURL(path);
};

let pool: ThreadPool;

beforeAll(() => {
  const source = readFileSync(join(__dirname, '../../system/workers.ts'), 'utf8');
  const { code } = transformSync(source, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
  });
  pool = new ThreadPool(written('task.mjs', TASK).href, written('workers.mjs', code));
});

afterAll(async () => {
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

const increment = (byte: number): Promise<unknown> => {
  const bytes = new Uint8Array([byte, byte]);
  return pool.run({ command: 'increment', bytes }, [bytes.buffer]);
};

test('tasks are done, more than there are threads', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, (_, index) => increment(index)));
  expect(results).toEqual(
    Array.from({ length: 20 }, (_, index) => new Uint8Array([index + 1, index + 1])),
  );
  expect(pool.threadCount).toBeLessThanOrEqual(2);
});

test('memory is handed over', async () => {
  const bytes = new Uint8Array([1]);
  await pool.run({ command: 'increment', bytes }, [bytes.buffer]);
  expect(bytes.length).toBe(0);
});

test('a task that throws is an error of its own', async () => {
  const failed = pool.run({ command: 'fail' }, []);
  await expect(failed).rejects.toThrow(WorkerError);
  expect(await increment(4)).toEqual(new Uint8Array([5, 5]));
});

test('a thread that dies is replaced', async () => {
  const died = pool.run({ command: 'die' }, []);
  await expect(died).rejects.toThrow(WorkerError);
  expect(await increment(7)).toEqual(new Uint8Array([8, 8]));
});

test('what cannot be handed over is refused', async () => {
  await expect(pool.run({ command: () => {} }, [])).rejects.toThrow(WorkerError);
});

test('an idle thread does not keep the process alive', () => {
  const program = `
    const { ThreadPool } = await import(process.argv[2]);
    const pool = new ThreadPool(new URL('task.mjs', import.meta.url).href);
    const bytes = new Uint8Array([1]);
    console.log((await pool.run({ command: 'increment', bytes }, []))[0]);`;
  written('main.mjs', program);
  const options = { encoding: 'utf8', timeout: 30_000 } as const;
  const args = ['main.mjs', 'workers.mjs'].map((name) => join(directory, name));
  expect(spawnSync(process.execPath, args, options)).toMatchObject({ status: 0, stdout: '2\n' });
});

test('sources have no threads', () => {
  expect(realWorkers.pool('file:///somewhere/task.ts')).toBeNull();
  expect(realWorkers.pool('file:///somewhere/task.js')).not.toBeNull();
});
