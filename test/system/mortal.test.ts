import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { realDisk } from '../../system/disk.ts';
import { mortalSystem } from '../../system/mortal.ts';
import type { Connection, ServerSocket } from '../../system/net.ts';
import { realNet } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import { ManualClock, manualSystem, settle } from '../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'barnabas-mortal-'));

afterAll(() => rmSync(folder, { recursive: true }));

const open = (parts: Partial<System> = {}) => {
  const clock = new ManualClock();
  const base: System = { ...manualSystem(clock), disk: realDisk, net: realNet, ...parts };
  return { clock, base, ...mortalSystem(base) };
};

/** Whether `promise` has settled once everything has happened that needs no time. */
const hasSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let isSettled = false;
  const note = (): void => {
    isSettled = true;
  };
  promise.then(note, note);
  await settle();
  return isSettled;
};

test('timers, sleeps and deferred calls of the dead do not happen', async () => {
  const { clock, system, kill } = open();
  const happened: string[] = [];
  system.clock.setTimer(10, () => happened.push('timer'));
  void system.clock.sleep(10).then(() => happened.push('sleep'));
  system.clock.defer(() => happened.push('deferred'));
  kill();
  system.clock.setTimer(10, () => happened.push('late timer'));
  await clock.advance(1000);
  expect(happened).toEqual([]);
  expect(clock.timerCount).toBe(0);
});

test('the living do not notice', async () => {
  const { clock, system } = open();
  const happened: string[] = [];
  const cancelled = system.clock.setTimer(5, () => happened.push('cancelled'));
  cancelled.cancel();
  system.clock.setTimer(10, () => happened.push('timer'));
  system.clock.defer(() => happened.push('deferred'));
  await clock.advance(20);
  expect(happened).toEqual(['deferred', 'timer']);
  const path = join(folder, 'living');
  const file = await system.disk.open(path, 'write');
  await file.write([Buffer.from('a'), Buffer.from('b')], 0);
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('ab');
});

test('what the dead ask of the disk neither happens nor returns', async () => {
  const { system, kill } = open();
  const path = join(folder, 'dead');
  const file = await system.disk.open(path, 'write');
  await file.write([Buffer.from('before')], 0);
  kill();
  expect(await hasSettled(file.write([Buffer.from('after!')], 0))).toBe(false);
  file.writeSync([Buffer.from('after!')], 0);
  file.truncateSync(0);
  const other = system.disk.openSync(join(folder, 'never'), 'write');
  other.writeSync([Buffer.from('x')], 0);
  expect(await hasSettled(system.disk.writeFile(path, 'after!'))).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('before');
  expect(await realDisk.info(join(folder, 'never'))).toBeNull();
});

/** A disk whose writes end when the test says so, and which tells of closed files. */
const slowDisk = () => {
  const finish: (() => void)[] = [];
  const closed: string[] = [];
  const slowed = (file: DiskFile): DiskFile => ({
    path: file.path,
    write: async (buffers, position) => {
      await new Promise<void>((resolve) => finish.push(resolve));
      await file.write(buffers, position);
    },
    writeSync: (buffers, position) => file.writeSync(buffers, position),
    read: (target, position) => file.read(target, position),
    readSync: (target, position) => file.readSync(target, position),
    size: () => file.size(),
    truncate: (size) => file.truncate(size),
    truncateSync: (size) => file.truncateSync(size),
    sync: () => file.sync(),
    close: async () => {
      closed.push(file.path);
      await file.close();
    },
  });
  const disk: Disk = {
    ...realDisk,
    open: async (path, mode) => slowed(await realDisk.open(path, mode)),
  };
  return { disk, finish, closed };
};

test('a write that was under way ends before its file is closed and its lock is free', async () => {
  const { disk, finish, closed } = slowDisk();
  const { base, system, kill } = open({ disk });
  const lockPath = join(folder, 'lock');
  expect(await system.disk.lock(lockPath)).not.toBeNull();
  const path = join(folder, 'slow');
  const file = await system.disk.open(path, 'write');
  const write = file.write([Buffer.from('late')], 0);
  await settle();
  kill();
  expect(await hasSettled(write)).toBe(false);
  expect(closed).toEqual([]);
  const next = mortalSystem(base);
  const lock = next.system.disk.lock(lockPath);
  expect(await hasSettled(lock)).toBe(false);
  for (const end of finish) end();
  expect(await lock).not.toBeNull();
  expect(closed).toEqual([path]);
  expect(readFileSync(path, 'utf8')).toBe('late');
  expect(await hasSettled(write)).toBe(false);
  await (await lock)?.release();
});

test('a lock of the dead can be had again at once', async () => {
  const lockPath = join(folder, 'again');
  const { base, system, kill } = open();
  let killLast = kill;
  expect(await system.disk.lock(lockPath)).not.toBeNull();
  for (let round = 0; round < 5; round++) {
    killLast();
    const next = mortalSystem(base);
    expect(await next.system.disk.lock(lockPath)).not.toBeNull();
    killLast = next.kill;
  }
  killLast();
  const last = await mortalSystem(base).system.disk.lock(lockPath);
  await last?.release();
});

test('a file and a lock that come too late are given back', async () => {
  const finish: (() => void)[] = [];
  const later = <T>(value: () => Promise<T>): Promise<T> =>
    new Promise<void>((resolve) => finish.push(resolve)).then(value);
  const { closed, disk } = slowDisk();
  const lazy: Disk = {
    ...disk,
    open: (path, mode) => later(() => disk.open(path, mode)),
    lock: (path) => later(() => disk.lock(path)),
  };
  const { system, kill } = open({ disk: lazy });
  const lockPath = join(folder, 'late-lock');
  const path = join(folder, 'late-file');
  const answers = [system.disk.open(path, 'write'), system.disk.lock(lockPath)];
  await settle();
  kill();
  for (const end of finish) end();
  expect(await Promise.all(answers.map(hasSettled))).toEqual([false, false]);
  while (closed.length === 0) await settle();
  expect(closed).toEqual([path]);
  const { base } = open();
  const again = await mortalSystem(base).system.disk.lock(lockPath);
  expect(again).not.toBeNull();
  await again?.release();
});

describe('sockets of the dead', () => {
  let server: ServerSocket | null = null;

  afterEach(() => server?.close());

  test('are cut, their ports are free, and nobody hears of it', async () => {
    const { system, kill } = open();
    const heard: string[] = [];
    const accepted: Connection[] = [];
    const listening = await system.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
      accepted.push(connection);
      connection.start({
        data: () => heard.push('data'),
        end: () => heard.push('end'),
        close: () => heard.push('close'),
      });
    });
    const { port } = listening;
    const peer = await realNet.connect({ host: '127.0.0.1', port, timeoutMs: 5000 });
    const ended = new Promise<void>((resolve) => {
      peer.start({ data: () => {}, close: () => resolve() });
    });
    while (accepted.length === 0) await settle();
    kill();
    await ended;
    expect(accepted[0]?.write([Buffer.from('x')])).toBe(false);
    await settle();
    expect(heard).toEqual([]);
    server = await realNet.listen({ host: '127.0.0.1', port }, (connection) =>
      connection.destroy(),
    );
    expect(server.port).toBe(port);
    expect(await hasSettled(system.net.connect({ host: '127.0.0.1', port, timeoutMs: 1000 }))).toBe(
      false,
    );
  });
});
