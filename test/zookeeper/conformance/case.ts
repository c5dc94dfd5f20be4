/**
 * What a conformance case is: a name and steps of named connections. What must come back is not written here: it was recorded
 * from ZooKeeper (test/fixtures/zookeeper/conformance.json). Each case has the node /b to itself (and its quota, below
 * /zookeeper/quota/b), and sessions of its own.
 */
import type { Request } from './requests.ts';

export interface ConnectOptions {
  readonly timeoutMs?: number;
  /** Resume the session that the connection of this name has, or had. */
  readonly session?: string;
  readonly password?: 'right' | 'wrong' | 'short' | 'none';
  /** `ahead`: more than the server has ever given. */
  readonly lastZxid?: 'none' | 'latest' | 'ahead';
  /** Null: the byte is left out, as by old clients. */
  readonly readOnly?: number | null;
  readonly version?: number;
}

export type Step =
  /** A handshake whose answer counts. Without one, a connection is made when it is first used. */
  | { readonly type: 'connect'; readonly on: string; readonly options: ConnectOptions }
  /** Requests one after the other, or `together` in one write. */
  | {
      readonly type: 'ask';
      readonly on: string;
      readonly requests: readonly Request[];
      readonly together: boolean;
    }
  /** Bytes as they are, on a new socket if there is none; no reply is waited for. */
  | { readonly type: 'bytes'; readonly on: string; readonly bytes: Buffer }
  /** The client's socket is closed, without a word to the server. */
  | { readonly type: 'drop'; readonly on: string }
  /** The server must close the connection. */
  | { readonly type: 'closes'; readonly on: string }
  /** Waits until so many events have come. */
  | { readonly type: 'events'; readonly on: string; readonly count: number };

/**
 * Which server the case needs: as it comes, with TTL nodes and a quick removal of containers, or with quotas enforced and
 * reconfig let through.
 */
export type Profile = 'plain' | 'extended' | 'enforcing';

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly profile: Profile;
  /** Must run before all others, on a server that nobody has written to. */
  readonly isFirst: boolean;
  /** Events of one transaction come in no particular order. */
  readonly isUnordered: boolean;
  /** The ZooKeeper it came with; older ones answer otherwise. */
  readonly since: string | null;
  /** Where we differ from ZooKeeper 3.8 on purpose: why, and what we answer. */
  readonly deviation: Deviation | null;
}

export interface Deviation {
  readonly why: string;
  readonly ours: readonly string[];
  /** ZooKeeper is not asked. */
  readonly isUnsteady: boolean;
}

/** We differ from ZooKeeper on purpose: why, and what we answer. */
export const deviation = (why: string, ...ours: readonly string[]): Options => ({
  deviation: { why, ours, isUnsteady: false },
});

/** As above, where ZooKeeper cannot be compared with: it answers now one way, now another, or does not survive. */
export const unsteady = (why: string, ...ours: readonly string[]): Options => ({
  deviation: { why, ours, isUnsteady: true },
});

type Options = Partial<Omit<Case, 'name' | 'steps'>>;

/** The cases of an area by name; a case with options is `[options, ...steps]`. */
export const casesOf = (
  area: string,
  cases: Readonly<Record<string, readonly (Step | Step[] | Options)[]>>,
): Case[] =>
  Object.entries(cases).map(([name, parts]) => {
    const steps = parts.flat().filter((part): part is Step => 'type' in part);
    const options = parts.flat().filter((part): part is Options => !('type' in part));
    return {
      name: `${area}: ${name}`,
      steps,
      profile: 'plain',
      isFirst: false,
      isUnordered: false,
      since: null,
      deviation: null,
      ...Object.assign({}, ...options),
    };
  });

const client = (on: string) =>
  Object.assign(
    (...requests: readonly Request[]): Step => ({ type: 'ask', on, requests, together: false }),
    {
      together: (...requests: readonly Request[]): Step => ({
        type: 'ask',
        on,
        requests,
        together: true,
      }),
      connect: (options: ConnectOptions = {}): Step => ({ type: 'connect', on, options }),
      /** Resumes its own session on a new connection. */
      resume: (options: ConnectOptions = {}): Step => ({
        type: 'connect',
        on,
        options: { session: on, lastZxid: 'latest', ...options },
      }),
      bytes: (...parts: readonly Buffer[]): Step => ({
        type: 'bytes',
        on,
        bytes: Buffer.concat(parts),
      }),
      drop: (): Step => ({ type: 'drop', on }),
      closes: (): Step => ({ type: 'closes', on }),
      events: (count: number): Step => ({ type: 'events', on, count }),
    },
  );

/** `a(create('/b/x'))` is a step: a request on connection a, and its reply. */
export const a = client('a');
export const b = client('b');
export const c = client('c');
