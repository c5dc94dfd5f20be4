/**
 * The embedded ZooKeeper server: a single node for labs and tests that real clients cannot tell from
 * ZooKeeper 3.8 standalone, its data directory included. The shell around core.ts: sockets, clock, log and
 * snapshots. It decides nothing about requests.
 */
import { posix } from 'node:path';
import type { Timer } from '../../system/clock.ts';
import type { DiskLock } from '../../system/disk.ts';
import type { Connection, ServerSocket } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import { Client } from './client.ts';
import { type CoreOptions, type Instant, ServerCore } from './core.ts';
import { Outbox } from './outbox.ts';
import { recover } from './recovery.ts';
import { writeSnapshot } from './snapshot-file.ts';
import type { DataTree } from './tree.ts';
import { TxnLog } from './txn-log.ts';
import { answerWord, newStatistics, type ServerView, wordOf } from './words.ts';

export interface ZooKeeperServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly dataDir: string;
  readonly tickTimeMs?: number;
  /** Session timeouts are kept within these; 2 ticks and 60 s by default. */
  readonly minSessionTimeoutMs?: number;
  readonly maxSessionTimeoutMs?: number;
  /** Whether a write is forced to the device before it is answered. */
  readonly syncs?: boolean;
  /** The largest request (jute.maxbuffer). */
  readonly frameBytesMax?: number;
  /** Transactions after which a snapshot is written and a new log begins (snapCount). */
  readonly snapshotTransactionCount?: number;
  /** `super:<base64 SHA-1 of "super:password">`. */
  readonly superDigest?: string;
  /** Called once when the disk has failed and the server has stopped. */
  readonly onFailure?: (error: unknown) => void;
}

export interface ZooKeeperServer {
  readonly host: string;
  readonly port: number;
  /** Answers what was received, closes the connections; sessions live on in the data directory. */
  close(): Promise<void>;
  /** Stops as a killed process would: sockets closed at once, nothing flushed. */
  kill(): void;
}

const TICK_TIME_MS = 500;
const SESSION_TIMEOUT_MS_MAX = 60_000;
const FRAME_BYTES_MAX = 0xfffff;
const SNAPSHOT_TRANSACTION_COUNT = 50_000;
/** A connection that says nothing is closed after this time. */
const HANDSHAKE_MS_MAX = 15_000;
/** How long a peer may take to close its side once we have closed ours. */
const FAREWELL_MS_MAX = 1_000;
/** Beyond these, clients that want more are not read until the log has caught up (globalOutstandingLimit). */
const HELD_COUNT_MAX = 1_000;
const LOG_PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** A client that does not take its replies is not read either, and beyond the second limit cut off. */
const CLIENT_PENDING_BYTES_MAX = 4 * 1024 * 1024;
const CLIENT_PENDING_BYTES_LIMIT = 256 * 1024 * 1024;

/** Starts a server on `dataDir`. Throws when the directory is in use or damaged, or the port taken. */
export const startZooKeeperServer = async (
  system: System,
  options: ZooKeeperServerOptions,
): Promise<ZooKeeperServer> => {
  const directory = posix.join(options.dataDir, 'version-2');
  await system.disk.makeDirectory(directory);
  const lock = await system.disk.lock(posix.join(options.dataDir, '.lock'));
  if (lock === null)
    throw new Error(
      `${options.dataDir} is in use by another process: stop it, or name another folder in dataDir.`,
    );
  try {
    const { tree, hasSnapshot, replayedCount } = await recover(system, directory);
    const server = new EmbeddedServer(system, tree, lock, { ...options, directory });
    await server.listen();
    // ZooKeeper refuses a log without a snapshot, and a long replay need not be repeated.
    if (!hasSnapshot || replayedCount > SNAPSHOT_TRANSACTION_COUNT / 10) server.startSnapshot();
    return server;
  } catch (error) {
    await lock.release();
    throw error;
  }
};

class EmbeddedServer implements ZooKeeperServer {
  readonly host: string;
  port: number;
  readonly #system: System;
  readonly #options: ZooKeeperServerOptions & { readonly directory: string };
  readonly #settings: CoreOptions;
  readonly #lock: DiskLock;
  readonly #log: TxnLog;
  readonly #outbox: Outbox;
  readonly #core: ServerCore<Client>;
  readonly #clients = new Set<Client>();
  /** Clients that are not read until the log or they themselves have caught up. */
  readonly #paused = new Set<Client>();
  readonly #statistics = newStatistics();
  readonly #startedMs: number;
  #listener: ServerSocket | null = null;
  #sweepTimer: Timer | null = null;
  #state: 'open' | 'closing' | 'stopped' = 'open';
  #sinceSnapshotCount = 0;
  #snapshot: Promise<void> | null = null;
  #onLastClientGone: (() => void) | null = null;

  constructor(
    system: System,
    tree: DataTree,
    lock: DiskLock,
    options: ZooKeeperServerOptions & { readonly directory: string },
  ) {
    this.#system = system;
    this.#options = options;
    this.#lock = lock;
    this.host = options.host;
    this.port = options.port;
    this.#log = new TxnLog(system, {
      directory: options.directory,
      syncs: options.syncs ?? true,
      onSynced: () => this.#logSynced(),
      onFailure: (error) => this.#fail(error),
    });
    this.#outbox = new Outbox(this.#log, this.#statistics, (client) =>
      client.end(this.#system.clock.elapsedMs() + FAREWELL_MS_MAX),
    );
    const now = this.#now();
    this.#startedMs = now.elapsedMs;
    const tickTimeMs = options.tickTimeMs ?? TICK_TIME_MS;
    this.#settings = {
      tickTimeMs,
      minSessionTimeoutMs: options.minSessionTimeoutMs ?? 2 * tickTimeMs,
      maxSessionTimeoutMs: options.maxSessionTimeoutMs ?? SESSION_TIMEOUT_MS_MAX,
      superDigest: options.superDigest ?? null,
    };
    const output = {
      log: (transaction: Parameters<TxnLog['append']>[0]) => this.#append(transaction),
      send: (client: Client, frame: Buffer) => this.#outbox.send(client, frame),
      close: (client: Client) => this.#outbox.close(client),
    };
    this.#core = new ServerCore<Client>(tree, output, this.#settings, now);
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    this.#listener = await this.#system.net.listen({ host, port }, (connection) =>
      this.#accept(connection),
    );
    this.port = this.#listener.port;
    this.#scheduleSweep(this.#core.sessions.nextExpirationMs);
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#sweepTimer?.cancel();
    await this.#listener?.close();
    for (const client of this.#clients) client.isClosed = true;
    await this.#log.flushed();
    await this.#snapshot;
    for (const client of this.#clients) client.end(0);
    await this.#farewell();
    await this.#stop();
  }

  kill(): void {
    void this.#stop();
  }

  /** Writes a snapshot in the background, unless one is being written. */
  startSnapshot(): void {
    if (this.#snapshot !== null || this.#state !== 'open') return;
    this.#sinceSnapshotCount = 0;
    this.#log.roll();
    const { directory, syncs = true } = this.#options;
    const isStopped = (): boolean => this.#state === 'stopped';
    const settings = { directory, syncs, isStopped };
    this.#snapshot = writeSnapshot(this.#system, this.#core.tree, this.#log, settings)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#snapshot = null;
      });
  }

  #append(transaction: Parameters<TxnLog['append']>[0]): void {
    this.#log.append(transaction);
    this.#sinceSnapshotCount += 1;
    const limit = this.#options.snapshotTransactionCount ?? SNAPSHOT_TRANSACTION_COUNT;
    // Deferred, because the tree does not hold this transaction yet.
    if (this.#sinceSnapshotCount >= limit && this.#snapshot === null) {
      this.#system.clock.defer(() => this.startSnapshot());
    }
  }

  #accept(connection: Connection): void {
    const frameBytesMax = this.#options.frameBytesMax ?? FRAME_BYTES_MAX;
    const client = new Client(connection, frameBytesMax, this.#system.clock.elapsedMs());
    this.#clients.add(client);
    if (this.#state !== 'open') client.isClosed = true;
    connection.start({
      data: (chunk) => {
        if (client.isClosed) return;
        client.frames.push(chunk);
        if (!client.isPaused) this.#serve(client);
      },
      drain: () => this.#resume(client),
      end: () => {
        client.hasEnded = true;
        if (!client.isPaused) this.#serve(client);
      },
      close: () => this.#gone(client),
    });
    if (this.#state !== 'open') client.destroy();
  }

  /** Works on the frames a client has sent, until they are used up or it has to wait. */
  #serve(client: Client): void {
    const now = this.#now();
    this.#outbox.current = client;
    this.#outbox.receivedMs = now.elapsedMs;
    while (!client.isClosed && !client.isPaused) {
      if (!this.#serveFrame(client, now)) break;
      if (this.#mustWait(client)) this.#pause(client);
    }
    // Frames that came before the end of the stream still count; now there are none left.
    if (client.hasEnded && !client.isPaused) this.#dismiss(client);
    this.#outbox.current = null;
    this.#outbox.flush();
  }

  /** Takes one frame; false when there is none that is complete. */
  #serveFrame(client: Client, now: Instant): boolean {
    if (client.sessionId === 0n && this.#serveWord(client)) return false;
    const frame = client.frames.next();
    if (frame === null) return false;
    if (frame === 'refused') {
      this.#dismiss(client);
      return false;
    }
    client.receivedCount += 1;
    this.#statistics.receivedCount += 1;
    if (client.sessionId === 0n) this.#core.connect(client, frame, now);
    else this.#core.request(client, frame, now);
    return true;
  }

  /** Answers a four-letter word; false when the connection does not begin with one. */
  #serveWord(client: Client): boolean {
    const number = client.frames.peekLength();
    const word = number === null ? undefined : wordOf(number);
    if (word === undefined) return false;
    const answer = Buffer.from(answerWord(word, this.#view()));
    this.#outbox.send(client, answer);
    this.#dismiss(client);
    return true;
  }

  /** Closes a connection after what was sent to it before. */
  #dismiss(client: Client): void {
    if (client.isClosed) return;
    this.#core.disconnected(client);
    this.#outbox.close(client);
  }

  #mustWait(client: Client): boolean {
    return (
      this.#outbox.heldCount > HELD_COUNT_MAX ||
      this.#log.pendingBytes > LOG_PENDING_BYTES_MAX ||
      client.pendingBytes > CLIENT_PENDING_BYTES_MAX
    );
  }

  #pause(client: Client): void {
    client.pause();
    this.#paused.add(client);
  }

  #resume(client: Client): void {
    if (!client.isPaused || this.#mustWait(client)) return;
    this.#paused.delete(client);
    client.resume();
    this.#serve(client);
  }

  #logSynced(): void {
    this.#outbox.release(this.#system.clock.elapsedMs());
    if (this.#paused.size === 0) return;
    for (const client of [...this.#paused]) this.#resume(client);
  }

  #gone(client: Client): void {
    this.#clients.delete(client);
    this.#paused.delete(client);
    this.#core.disconnected(client);
    if (this.#clients.size === 0) this.#onLastClientGone?.();
  }

  #scheduleSweep(dueMs: number): void {
    const { clock } = this.#system;
    this.#sweepTimer = clock.setTimer(Math.max(1, dueMs - clock.elapsedMs()), () => {
      const isLate = clock.elapsedMs() - dueMs > this.#settings.tickTimeMs;
      // A stalled event loop must not expire sessions: their pings may wait in the kernel, or, where the
      // clients share our process, have had no chance to be sent. So they get another tick.
      if (isLate && dueMs <= this.#core.sessions.nextExpirationMs) {
        this.#scheduleSweep(clock.elapsedMs() + this.#settings.tickTimeMs);
      } else {
        clock.defer(() => this.#sweep());
      }
    });
  }

  #sweep(): void {
    if (this.#state !== 'open') return;
    const now = this.#now();
    this.#core.sweep(now);
    for (const client of this.#clients) this.#sweepClient(client, now);
    this.#outbox.flush();
    this.#scheduleSweep(this.#core.sessions.nextExpirationMs);
  }

  #sweepClient(client: Client, now: Instant): void {
    const isSilent = client.sessionId === 0n && now.elapsedMs - client.openedMs > HANDSHAKE_MS_MAX;
    const isOverdue = now.elapsedMs > client.destroyAtMs;
    const isStuffed = client.pendingBytes > CLIENT_PENDING_BYTES_LIMIT;
    if (isSilent || isOverdue || isStuffed) client.destroy();
  }

  #farewell(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#clients.size === 0) return resolve();
      const timer = this.#system.clock.setTimer(FAREWELL_MS_MAX, resolve);
      this.#onLastClientGone = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** The disk has failed: nothing can be promised any more, so nobody is answered. */
  #fail(error: unknown): void {
    if (this.#state === 'stopped') return;
    this.#system.logger.error({ error: String(error) }, 'the ZooKeeper server has to stop');
    void this.#stop();
    this.#options.onFailure?.(error);
  }

  async #stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#sweepTimer?.cancel();
    this.#log.stop();
    for (const client of this.#clients) client.destroy();
    await Promise.all([this.#listener?.close(), this.#lock.release()]);
  }

  #now(): Instant {
    const { clock } = this.#system;
    return { nowMs: clock.nowMs(), elapsedMs: clock.elapsedMs() };
  }

  #view(): ServerView {
    return {
      core: this.#core,
      clients: this.#clients,
      statistics: this.#statistics,
      port: this.port,
      directory: this.#options.directory,
      uptimeMs: this.#system.clock.elapsedMs() - this.#startedMs,
      outstandingCount: this.#outbox.heldCount,
      ...this.#settings,
    };
  }
}
