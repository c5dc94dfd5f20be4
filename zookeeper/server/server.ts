/**
 * The embedded ZooKeeper server: a single node for labs and tests that real clients cannot tell from
 * ZooKeeper 3.8 standalone, its data directory included. The shell around core.ts: listening, clock, log,
 * snapshots, start and stop. It decides nothing about requests.
 */
import { posix } from 'node:path';
import type { Timer } from '../../system/clock.ts';
import type { DiskLock } from '../../system/disk.ts';
import type { ServerSocket } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import type { Client } from './client.ts';
import { Connections, FAREWELL_MS_MAX } from './connections.ts';
import { type Instant, ServerCore } from './core.ts';
import { directoryBytes, removeOldFiles } from './data-files.ts';
import {
  decide,
  type ServerSettings,
  VERSION_DIRECTORY,
  type ZooKeeperServerOptions,
} from './options.ts';
import { Outbox } from './outbox.ts';
import type { Excess } from './quotas.ts';
import { type Recovered, recover } from './recovery.ts';
import { writeSnapshot } from './snapshot-file.ts';
import { newStatistics } from './statistics.ts';
import { TxnLog } from './txn-log.ts';
import { descriptorsOf, type ServerView, TRACE_MASK } from './view.ts';
import { answerWord, takesArgument, wordOf } from './words.ts';

export interface ZooKeeperServer {
  readonly host: string;
  readonly port: number;
  /** Of the HTTP endpoint; null where there is none. */
  readonly adminPort: number | null;
  /** Answers what was received, closes the connections; sessions live on in the data directory. */
  close(): Promise<void>;
  /** Stops as a killed process would: sockets closed at once, nothing flushed. */
  kill(): void;
}

/** Starts a server on `dataDir`. Throws when the directory is in use or damaged, or the port taken. */
export const startZooKeeperServer = async (
  system: System,
  options: ZooKeeperServerOptions,
): Promise<ZooKeeperServer> => {
  const settings = decide(options);
  const { dataDir, dataLogDir } = settings;
  const locks: DiskLock[] = [];
  let recovered: Recovered;
  try {
    for (const directory of new Set([dataDir, dataLogDir])) {
      await system.disk.makeDirectory(posix.join(directory, VERSION_DIRECTORY));
      locks.push(await lockDirectory(system, directory));
    }
    recovered = await recover(system, settings);
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
  const server = new EmbeddedServer(system, settings, recovered, locks);
  await server.start();
  return server;
};

const lockDirectory = async (system: System, directory: string): Promise<DiskLock> => {
  const lock = await system.disk.lock(posix.join(directory, '.lock'));
  if (lock !== null) return lock;
  throw new Error(
    `${directory} is in use by another process: stop it, or name another folder in dataDir.`,
  );
};

const WARNING_INTERVAL_MS = 1_000;

class EmbeddedServer implements ZooKeeperServer {
  readonly host: string;
  port: number;
  readonly #system: System;
  readonly #settings: ServerSettings;
  readonly #locks: readonly DiskLock[];
  readonly #log: TxnLog;
  readonly #outbox: Outbox;
  readonly #core: ServerCore<Client>;
  readonly #connections: Connections;
  readonly #statistics = newStatistics();
  readonly #trace = { mask: TRACE_MASK };
  readonly #startedMs: number;
  #listener: ServerSocket | null = null;
  #admin: AdminServer | null = null;
  #sweepTimer: Timer | null = null;
  #purgeTimer: Timer | null = null;
  #state: 'open' | 'closing' | 'stopped' = 'open';
  /** Transactions since the last snapshot began; many are worth a new one. */
  #sinceSnapshotCount: number;
  #snapshot: Promise<void> | null = null;
  #nextWarningMs = 0;
  #lastSnapshot: ServerView['lastSnapshot'] = null;

  constructor(
    system: System,
    settings: ServerSettings,
    recovered: Recovered,
    locks: readonly DiskLock[],
  ) {
    this.#system = system;
    this.#settings = settings;
    this.#locks = locks;
    this.host = settings.host;
    this.port = settings.port;
    this.#log = new TxnLog(system, {
      directory: settings.logDirectory,
      syncs: settings.syncs,
      onSynced: () => this.#logSynced(),
      onFailure: (error) => this.#fail(error),
    });
    this.#outbox = new Outbox(this.#log, this.#statistics, (client) =>
      client.end(system.clock.elapsedMs() + FAREWELL_MS_MAX),
    );
    const now = this.#now();
    this.#startedMs = now.elapsedMs;
    this.#sinceSnapshotCount = recovered.replayedCount;
    if (recovered.snapshotZxid !== null)
      this.#lastSnapshot = { zxid: recovered.snapshotZxid, timeMs: now.nowMs };
    const output = {
      log: (transaction: Parameters<TxnLog['append']>[0]) => this.#append(transaction),
      send: (client: Client, frame: Buffer) => this.#outbox.send(client, frame),
      close: (client: Client) => this.#outbox.close(client),
      warn: (excess: Excess) => this.#warn(excess),
    };
    this.#core = new ServerCore<Client>(recovered.tree, output, settings, now);
    this.#connections = new Connections(system, {
      core: this.#core,
      outbox: this.#outbox,
      log: this.#log,
      statistics: this.#statistics,
      limits: settings,
      wordOf,
      takesArgument,
      answerWord: async (word, argument) =>
        Buffer.from(answerWord(word, await this.#lookAt(), argument)),
    });
  }

  get adminPort(): number | null {
    return this.#admin?.port ?? null;
  }

  async start(): Promise<void> {
    const { host, port, backlog, admin, purgeIntervalMs, snapshotTransactionCount } =
      this.#settings;
    try {
      // ZooKeeper refuses a log without a snapshot, so there has to be one before the log begins.
      if (this.#lastSnapshot === null) await this.#takeSnapshot();
      this.#listener = await this.#system.net.listen({ host, port, backlog }, (connection) =>
        this.#connections.accept(connection),
      );
      this.port = this.#listener.port;
      if (admin !== null) {
        this.#admin = await startAdminServer(this.#system, admin, () => this.#lookAt());
      }
    } catch (error) {
      await this.#stop();
      throw error;
    }
    this.#scheduleSweep(this.#core.sessions.nextExpirationMs);
    if (purgeIntervalMs !== null && purgeIntervalMs > 0) this.#schedulePurge(0);
    // A long replay need not be repeated.
    if (this.#sinceSnapshotCount > snapshotTransactionCount / 10) this.#startSnapshot();
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#sweepTimer?.cancel();
    await this.#listener?.close();
    this.#connections.stopListening();
    await this.#log.flushed();
    await this.#snapshot;
    await this.#connections.farewell();
    await this.#stop();
  }

  kill(): void {
    void this.#stop();
  }

  /** Writes a snapshot in the background, unless one is being written. */
  #startSnapshot(): void {
    if (this.#snapshot !== null || this.#state !== 'open') return;
    this.#sinceSnapshotCount = 0;
    this.#log.roll();
    this.#snapshot = this.#takeSnapshot()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#snapshot = null;
      });
  }

  async #takeSnapshot(): Promise<void> {
    const isStopped = (): boolean => this.#state === 'stopped';
    const options = { ...this.#settings, isStopped };
    const zxid = await writeSnapshot(this.#system, this.#core.tree, this.#log, options);
    if (zxid === null || isStopped()) return;
    this.#statistics.snapshotCount += 1;
    this.#lastSnapshot = { zxid, timeMs: this.#system.clock.nowMs() };
    if (this.#settings.purgeIntervalMs === null) await this.#purge();
  }

  #purge(): Promise<void> {
    return removeOldFiles(this.#system.disk, this.#settings, this.#settings.snapshotsKept);
  }

  #schedulePurge(delayMs: number): void {
    this.#purgeTimer = this.#system.clock.setTimer(delayMs, () => {
      this.#purge().catch((error: unknown) => this.#fail(error));
      this.#schedulePurge(this.#settings.purgeIntervalMs ?? 0);
    });
  }

  #append(transaction: Parameters<TxnLog['append']>[0]): void {
    this.#log.append(transaction);
    this.#sinceSnapshotCount += 1;
    const { snapshotTransactionCount, logBytesMax } = this.#settings;
    const isDue =
      this.#sinceSnapshotCount >= snapshotTransactionCount || this.#log.fileBytes >= logBytesMax;
    // Deferred, because the tree does not hold this transaction yet.
    if (isDue && this.#snapshot === null) {
      this.#system.clock.defer(() => this.#startSnapshot());
    }
  }

  #logSynced(): void {
    this.#statistics.syncCount += 1;
    this.#outbox.release(this.#system.clock.elapsedMs());
    this.#connections.resumePaused();
  }

  /** Not of every write to a full subtree, which would fill the log. */
  #warn(excess: Excess): void {
    const nowMs = this.#system.clock.elapsedMs();
    if (nowMs < this.#nextWarningMs) return;
    this.#nextWarningMs = nowMs + WARNING_INTERVAL_MS;
    const { path, field, value, limit, isHard } = excess;
    const told = { path, field, value: String(value), limit: String(limit), isHard };
    this.#system.logger.warn(told, 'quota exceeded');
  }

  #scheduleSweep(dueMs: number): void {
    const { clock } = this.#system;
    const { tickTimeMs } = this.#settings;
    this.#sweepTimer = clock.setTimer(Math.max(1, dueMs - clock.elapsedMs()), () => {
      const isLate = clock.elapsedMs() - dueMs > tickTimeMs;
      // A stalled event loop must not expire sessions: their pings may wait in the kernel, or, where the
      // clients share our process, have had no chance to be sent. So they get another tick.
      if (isLate && dueMs <= this.#core.sessions.nextExpirationMs) {
        this.#scheduleSweep(clock.elapsedMs() + tickTimeMs);
      } else {
        clock.defer(() => this.#sweep());
      }
    });
  }

  #sweep(): void {
    if (this.#state !== 'open') return;
    const now = this.#now();
    this.#core.sweep(now);
    this.#connections.sweep(now);
    this.#outbox.flush();
    this.#scheduleSweep(this.#core.sessions.nextExpirationMs);
  }

  /** The disk has failed: nothing can be promised any more, so nobody is answered. */
  #fail(error: unknown): void {
    if (this.#state === 'stopped') return;
    this.#system.logger.error({ error: String(error) }, 'the ZooKeeper server has to stop');
    void this.#stop();
    this.#settings.onFailure(error);
  }

  async #stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#sweepTimer?.cancel();
    this.#purgeTimer?.cancel();
    this.#log.stop();
    this.#connections.destroy();
    await Promise.all([
      this.#listener?.close(),
      this.#admin?.close(),
      ...this.#locks.map((lock) => lock.release()),
    ]);
  }

  #now(): Instant {
    const { clock } = this.#system;
    return { nowMs: clock.nowMs(), elapsedMs: clock.elapsedMs() };
  }

  async #lookAt(): Promise<ServerView> {
    const { disk } = this.#system;
    const { snapshotDirectory, logDirectory } = this.#settings;
    const dataBytes = await directoryBytes(disk, snapshotDirectory);
    const logBytes = await directoryBytes(disk, logDirectory);
    const descriptors = await descriptorsOf(disk);
    const now = this.#now();
    return {
      core: this.#core,
      clients: this.#connections.all,
      statistics: this.#statistics,
      settings: this.#settings,
      port: this.port,
      now,
      uptimeMs: now.elapsedMs - this.#startedMs,
      outstandingCount: this.#outbox.heldCount,
      sizes: { dataBytes, logBytes },
      descriptors,
      lastSnapshot: this.#lastSnapshot,
      trace: this.#trace,
    };
  }
}
