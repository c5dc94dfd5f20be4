import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realDisk } from '../../system/disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'barnabas-lock-'));
const path = join(folder, '.lock');

afterEach(() => rmSync(path, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

const onLinux = process.platform === 'linux' ? test : test.skip;

const take = async (): Promise<boolean> => {
  const lock = await realDisk.lock(path);
  await lock?.release();
  return lock !== null;
};

/** Runs a shell script that goes on; resolves to the pid that its first line names. */
const shell = async (script: string): Promise<{ pid: number; end: () => Promise<void> }> => {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const text = await new Promise<string>((resolve) => child.stdout.once('data', resolve));
  const end = (): Promise<void> => {
    child.kill('SIGKILL');
    return ended;
  };
  return { pid: Number(String(text)), end };
};

test('a lock is had once until it is given back', async () => {
  const lock = await realDisk.lock(path);
  expect(await realDisk.lock(path)).toBeNull();
  await lock?.release();
  expect(await take()).toBe(true);
});

test.each(['', 'no pid', '0\n', `${process.pid}\n`])(
  'a file that names no other process (%j) is no lock',
  async (text) => {
    writeFileSync(path, text);
    expect(await take()).toBe(true);
  },
);

test('a live process holds its lock, a killed one does not', async () => {
  const { pid, end } = await shell('echo $$; exec sleep 60');
  writeFileSync(path, `${pid}\n`);
  expect(await take()).toBe(false);
  await end();
  expect(await take()).toBe(true);
});

onLinux('a process that only has the pid of the holder does not count', async () => {
  const { pid, end } = await shell('echo $$; exec sleep 60');
  const lock = await realDisk.lock(path);
  const [, startedAt] = readFileSync(path, 'utf8').trim().split(' ');
  await lock?.release();
  writeFileSync(path, `${pid} ${Number(startedAt) - 1}\n`);
  expect(await take()).toBe(true);
  await end();
});

onLinux('a zombie holds nothing', async () => {
  // By the time the child ends, the shell has become `sleep`, which never looks after it.
  const { pid, end } = await shell('sleep 0.2 & echo $!; exec sleep 60');
  const isZombie = (): boolean => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  while (!isZombie()) await new Promise((resolve) => setImmediate(resolve));
  writeFileSync(path, `${pid}\n`);
  expect(await take()).toBe(true);
  await end();
});

test('a lock whose file is gone is given back, and makes no new one', async () => {
  const lock = await realDisk.lock(path);
  rmSync(path);
  await lock?.release();
  expect(existsSync(path)).toBe(false);
  expect(await take()).toBe(true);
});

onLinux('a folder that cannot be made is an error, not an endless attempt', async () => {
  await expect(realDisk.makeDirectory('/proc/barnabas/data')).rejects.toThrow('ENOENT');
});

onLinux('what another container holds is held, whatever its pid is there', async () => {
  // As kernel-lock.ts has it done. The first process of every container has pid 1, as ours may have.
  const { end } = await shell(`exec flock -n -F ${folder} sh -c 'echo 1; exec sleep 60'`);
  writeFileSync(path, `${process.pid}\n`);
  expect(await take()).toBe(false);
  await end();
  expect(await take()).toBe(true);
});

test('a lock that is being given back is waited for', async () => {
  const released = (await realDisk.lock(path))?.release();
  expect(await take()).toBe(true);
  await released;
});

test('of several that come at once one has the lock', async () => {
  const locks = await Promise.all(Array.from({ length: 5 }, () => realDisk.lock(path)));
  expect(locks.filter((lock) => lock !== null)).toHaveLength(1);
  for (const lock of locks) await lock?.release();
  expect(readdirSync(folder)).toEqual(['.lock']);
});
