/** The program zookeeper-server-start: what it says of its settings, how it ends. Runs what `npm run build` has made. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../zookeeper/server/raw-client.ts';

const DIST = process.env.BARNABAS_DIST ?? join(__dirname, '../../dist');
const folder = mkdtempSync(join(tmpdir(), 'barnabas-zookeeper-server-'));
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly errors: string;
}

interface Program {
  /** The ports it has told its parent. */
  readonly ready: Promise<{ readonly port: number; readonly adminPort: number | null }>;
  readonly ended: Promise<Ended>;
  end(signal: NodeJS.Signals): void;
}

const file = join(folder, 'zookeeper.properties');

const start = (...args: string[]): Program => {
  const child = spawn(process.execPath, [join(DIST, 'tools/zookeeper-server.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.push(child);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return {
    ready: new Promise((resolve) => child.once('message', (told) => resolve(told as never))),
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, errors }))),
    end: (signal) => void child.kill(signal),
  };
};

const startWith = (...lines: string[]): Program => {
  writeFileSync(file, lines.join('\n'));
  return start(file);
};

const data = `dataDir=${join(folder, 'data')}`;

test.each([
  [['clientPort=2181'], 'dataDir is missing: name a folder for the data in it.'],
  [[data, 'tickTime=soon'], 'tickTime must be a whole number from 1 to 2147483647, not "soon".'],
  [
    [data, 'server.1=one:2888:3888'],
    'server.1 belongs to an ensemble, and this server is a single node: take such lines out, or run Apache ZooKeeper.',
  ],
])('%j ends it with one sentence', async (lines, sentence) => {
  expect(await startWith(...lines).ended).toEqual({ code: 1, errors: `${file}: ${sentence}\n` });
});

test('without a file, or with one that is not there, it says so', async () => {
  const usage = 'USAGE: zookeeper-server-start zookeeper.properties\n';
  expect(await start().ended).toEqual({ code: 1, errors: usage });
  const missing = join(folder, 'missing');
  expect(await start(missing).ended).toEqual({ code: 1, errors: `There is no file ${missing}.\n` });
});

test('it serves with what it was told, warns of what it does not know, and ends in order', async () => {
  const server = startWith(
    ...[data, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'initLimit=10', 'tickTme=1'],
    ...['maxClientCnxns=7', '4lw.commands.whitelist=conf', 'admin.enableServer=true'],
    ...['admin.serverPort=0', 'admin.serverAddress=127.0.0.1'],
  );
  const { port, adminPort } = await server.ready;
  const conf = await ask(port, Buffer.from('conf'));
  expect(conf).toContain('tickTime=3000\nmaxClientCnxns=7\nminSessionTimeout=6000\n');
  expect(await ask(port, Buffer.from('ruok'))).toContain('not in the whitelist');
  const response = await fetch(`http://127.0.0.1:${adminPort}/commands/ruok`);
  expect(await response.json()).toEqual({ command: 'ruok', error: null });
  server.end('SIGTERM');
  expect(await server.ended).toEqual({
    code: 0,
    errors: `${file}: tickTme is not a setting of this server and has no effect.\n`,
  });
});

test('a folder in use is one sentence', async () => {
  const settings = [data, 'clientPort=0', 'clientPortAddress=127.0.0.1'];
  const first = startWith(...settings);
  await first.ready;
  const { code, errors } = await startWith(...settings).ended;
  expect(code).toBe(1);
  expect(errors).toBe(
    `${join(folder, 'data')} is in use by another process: stop it, or name another folder in dataDir.\n`,
  );
  first.end('SIGTERM');
  await first.ended;
});
