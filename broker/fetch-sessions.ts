/**
 * Incremental fetch sessions (KIP-227), the answering side: which partitions a client fetches and what it was last told of
 * each, so that requests and responses name only what has changed. Sessions belong to no connection. The bounded cache
 * prefers followers and throws out what has been idle for two minutes (Kafka's FetchSessionCache, without its shards).
 */
import { errorCodes } from '../protocol/errors.ts';
import type { Random } from '../system/random.ts';
import { FetchSession, type SessionPartition } from './fetch-session.ts';

/** How a request relates to sessions. `error`: nothing is read, the code goes to the top level. */
export type SessionContext =
  | { readonly type: 'sessionless' }
  | { readonly type: 'new' }
  | { readonly type: 'incremental'; readonly session: FetchSession }
  | { readonly type: 'error'; readonly errorCode: number };

export const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
/** Of ids as well as of epochs. */
const INT_MAX = 2 ** 31 - 1;

const EVICTION_MS = 120_000;

export const nextEpoch = (epoch: number): number => (epoch >= INT_MAX ? 1 : epoch + 1);

export class FetchSessions {
  readonly #random: Random;
  readonly #slots: number;
  readonly #sessions = new Map<number, FetchSession>();

  constructor(random: Random, slots: number) {
    this.#random = random;
    this.#slots = slots;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Decides what a request with this session id and epoch is; an accepted one moves its session's epoch on. */
  open(
    request: { readonly sessionId: number; readonly sessionEpoch: number },
    usesTopicIds: boolean,
    nowMs: number,
  ): SessionContext {
    const { sessionId, sessionEpoch } = request;
    const session = this.#sessions.get(sessionId);
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (session !== undefined) this.remove(session);
      return { type: sessionEpoch === FINAL_EPOCH ? 'sessionless' : 'new' };
    }
    if (session === undefined)
      return { type: 'error', errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== sessionEpoch)
      return { type: 'error', errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH };
    if (session.usesTopicIds !== usesTopicIds)
      return { type: 'error', errorCode: errorCodes.FETCH_SESSION_TOPIC_ID_ERROR };
    session.epoch = nextEpoch(session.epoch);
    session.lastUsedMs = nowMs;
    return { type: 'incremental', session };
  }

  /** Keeps a session for `partitions`; null when there is no room for it. */
  create(
    partitions: Map<string, SessionPartition>,
    options: { readonly replicaId: number; readonly usesTopicIds: boolean },
    nowMs: number,
  ): FetchSession | null {
    const isFollower = options.replicaId >= 0;
    if (partitions.size === 0 || !this.#makeRoom(isFollower, partitions.size, nowMs)) return null;
    let id = 1 + this.#random.int(INT_MAX);
    while (this.#sessions.has(id)) id = nextEpoch(id);
    const session = new FetchSession(id, partitions, { ...options, nowMs });
    this.#sessions.set(id, session);
    return session;
  }

  remove(session: FetchSession): void {
    this.#sessions.delete(session.id);
    session.end();
  }

  #makeRoom(isFollower: boolean, size: number, nowMs: number): boolean {
    if (this.#sessions.size < this.#slots) return true;
    let idlest: FetchSession | null = null;
    let weakest: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      if (idlest === null || session.lastUsedMs < idlest.lastUsedMs) idlest = session;
      if (session.isFollower) continue;
      if (weakest === null || session.partitions.size < weakest.partitions.size) weakest = session;
    }
    const evicted =
      idlest !== null && nowMs - idlest.lastUsedMs > EVICTION_MS
        ? idlest
        : weakest !== null && (isFollower || weakest.partitions.size < size)
          ? weakest
          : null;
    if (evicted === null || this.#slots === 0) return false;
    this.remove(evicted);
    return true;
  }
}
