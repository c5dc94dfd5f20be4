/**
 * The embedded ZooKeeper as a process that is killed again and again while clients read and write. What they saw must be
 * linearizable for each node, and nothing acknowledged may be lost. CHAOS_ROUNDS says how often (settings.ts).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../system/process.ts';
import { realSystem } from '../../system/system.ts';
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import type { Stat, ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { launchProgram } from '../integration/processes.ts';
import { until } from '../integration/waiting.ts';
import { freePorts } from '../support/free-ports.ts';
import { type RegisterOperation, violationsOf } from '../zookeeper/register-history.ts';
import { rounds } from './settings.ts';

const CLIENTS = 4;
/** Loops of each client: so many requests it has under way. */
const LOOPS = 6;
const REGISTERS = ['/r0', '/r1', '/r2', '/r3', '/r4'];
/** Requests that must be answered between two kills. */
const PROGRESS = 100;
const DELAY_MS_MAX = 150;

const system = realSystem();
const elapsedMs = (): number => system.clock.elapsedMs();
const folder = mkdtempSync(join(tmpdir(), 'barnabas-zookeeper-chaos-'));
const clients: ZooKeeperClient[] = [];
let server: Child | null = null;

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  server?.kill('SIGKILL');
  await server?.ended;
  rmSync(folder, { recursive: true, force: true });
});

/** What the clients have been told. */
class History {
  readonly operations: RegisterOperation[] = [];
  readonly sequence: string[] = [];
  answeredCount = 0;
  isOver = false;
  expiredCount = 0;
  #writeCount = 0;

  nextValue(): string {
    this.#writeCount += 1;
    return `value-${this.#writeCount}`;
  }

  note(
    type: RegisterOperation['type'],
    path: string,
    startMs: number,
    { value, stat }: { value: string; stat: Stat },
  ): void {
    this.answeredCount += 1;
    const { version, mzxid } = stat;
    this.operations.push({ type, path, value, version, mzxid, startMs, endMs: elapsedMs() });
  }
}

const read = async (client: ZooKeeperClient, path: string, history: History): Promise<Stat> => {
  const startMs = elapsedMs();
  const { data, stat } = await client.getData(path);
  history.note('read', path, startMs, { value: String(data), stat });
  return stat;
};

/** `version` -1: whatever is there. */
const write = async (
  client: ZooKeeperClient,
  path: string,
  history: History,
  version = -1,
): Promise<void> => {
  const value = history.nextValue();
  const startMs = elapsedMs();
  try {
    const stat = await client.setData(path, Buffer.from(value), version);
    history.note('write', path, startMs, { value, stat });
  } catch (error) {
    // Somebody was faster, or it was applied and sent again because the answer was lost.
    if (!isZooKeeperError(error, 'BAD_VERSION')) throw error;
  }
};

const pick = <T>(items: readonly T[]): T => items[system.random.int(items.length)] as T;

/** One of the things a client does, until it is over. */
const work = async (client: ZooKeeperClient, history: History): Promise<void> => {
  while (!history.isOver) {
    const path = pick(REGISTERS);
    switch (system.random.int(5)) {
      case 0:
      case 1:
        await write(client, path, history);
        break;
      case 2: {
        const { version } = await read(client, path, history);
        await write(client, path, history, version);
        break;
      }
      case 3:
        await read(client, path, history);
        break;
      default:
        history.sequence.push(
          await client.create('/sequence/n-', null, { mode: 'persistent-sequential' }),
        );
        history.answeredCount += 1;
    }
  }
};

const connect = async (port: number, history: History): Promise<ZooKeeperClient> => {
  const client = await connectWireClient(system, {
    connectString: `127.0.0.1:${port}`,
    sessionTimeoutMs: 20_000,
    connectionTimeoutMs: 20_000,
  });
  client.onSession({
    expired: () => {
      history.expiredCount += 1;
    },
  });
  clients.push(client);
  return client;
};

/** Kills the server in the middle of its work and starts it again. */
const killAndRestart = async (file: string, history: History): Promise<void> => {
  const wanted = history.answeredCount + PROGRESS;
  await until('requests that are answered', () => history.answeredCount >= wanted);
  await system.clock.sleep(system.random.float() * DELAY_MS_MAX);
  server?.kill('SIGKILL');
  await server?.ended;
  server = await launchProgram('zookeeper-server', file, folder);
};

test('what clients saw of a server that is killed again and again is linearizable', async () => {
  const [port = 0] = await freePorts(1);
  const file = join(folder, 'zookeeper.properties');
  writeFileSync(
    file,
    [
      `clientPort=${port}`,
      'clientPortAddress=127.0.0.1',
      `dataDir=${join(folder, 'data')}`,
      'tickTime=1000',
      // Snapshots and new log files all the time, so that kills hit them, too.
      'snapCount=60',
      'globalOutstandingLimit=50',
    ].join('\n'),
  );
  server = await launchProgram('zookeeper-server', file, folder);
  const history = new History();
  for (let count = 0; count < CLIENTS; count++) await connect(port, history);
  const [first] = clients as [ZooKeeperClient];
  await first.create('/sequence', null);
  for (const path of REGISTERS) await first.create(path, Buffer.from('value-0'));
  for (const [index, client] of clients.entries()) {
    await client.create(`/ephemeral-${index}`, null, { mode: 'ephemeral' });
  }
  const sessionIds = clients.map(({ sessionId }) => sessionId);
  const loops = clients.flatMap((client) =>
    Array.from({ length: LOOPS }, () => work(client, history)),
  );
  const failed = Promise.all(loops);
  failed.catch(() => {
    // Told to whoever waits for it below; not before the round that is under way has ended.
  });

  const startMs = elapsedMs();
  for (let round = 0; round < rounds; round++) await killAndRestart(file, history);
  const perKillMs = Math.round((elapsedMs() - startMs) / rounds);
  history.isOver = true;
  await failed;

  for (const path of REGISTERS) await read(first, path, history);
  expect(violationsOf(history.operations).slice(0, 20)).toEqual([]);
  const { children } = await first.getChildren('/sequence');
  const there = new Set(children.map((name) => `/sequence/${name}`));
  expect(history.sequence.filter((path) => !there.has(path))).toEqual([]);
  expect(new Set(history.sequence).size).toBe(history.sequence.length);
  expect(history.expiredCount).toBe(0);
  for (const [index, sessionId] of sessionIds.entries()) {
    expect((await first.exists(`/ephemeral-${index}`))?.ephemeralOwner).toBe(sessionId);
  }
  const { length } = history.operations;
  process.stderr.write(`${rounds} kills, ${perKillMs} ms each, ${length} reads and writes\n`);
}, 7_200_000);
