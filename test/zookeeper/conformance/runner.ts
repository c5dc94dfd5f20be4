/**
 * Runs conformance cases against a server and writes down all that comes back, a line for each frame and each end of a
 * connection. After every step the other connections are pinged, so that the events which the step caused have arrived
 * and stand at the same place on every run.
 */
import type { Case, ConnectOptions, Step } from './case.ts';
import { RawConnection } from './connection.ts';
import { headOf, Names, renderConnect, renderReply } from './render.ts';
import {
  auth,
  byte,
  closeSession,
  create,
  getChildren,
  int,
  long,
  ping,
  type Request,
  remove,
  text,
} from './requests.ts';

/** One who may do everything, so that a case can be cleaned up; servers under test are started with its digest. */
const SUPER = 'super:admin';
export const SUPER_DIGEST = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';

const TIMEOUT_MS = 10_000;
const PING_XID = -2;

interface Session {
  readonly id: bigint;
  readonly password: Buffer;
}

/** A connection by its name in the case. */
class Party {
  readonly name: string;
  readonly wire: RawConnection;
  nextXid = 1;
  isOpen = true;

  constructor(name: string, wire: RawConnection) {
    this.name = name;
    this.wire = wire;
  }
}

const framed = (payload: Buffer): Buffer => Buffer.concat([int(payload.length), payload]);

/** The server under test, with the connection that prepares and cleans up. */
export class Bench {
  readonly port: number;
  readonly #control: Party;
  /** The latest transaction known of. */
  lastZxid = 0n;

  private constructor(port: number, control: Party) {
    this.port = port;
    this.#control = control;
  }

  static async open(port: number): Promise<Bench> {
    const bench = new Bench(port, new Party('control', await RawConnection.open(port)));
    const wire = bench.#control.wire;
    wire.write(framed(handshake({ timeoutMs: 60_000 }, 0n, null)));
    await wire.next();
    await bench.ask(auth('digest', SUPER));
    // Its answer tells the latest transaction.
    await bench.ask(ping());
    return bench;
  }

  /** A request of the control connection; the whole reply. */
  async ask(request: Request): Promise<Buffer> {
    const { wire } = this.#control;
    wire.write(
      framed(
        Buffer.concat([int(request.xid ?? this.#control.nextXid++), int(request.op), request.body]),
      ),
    );
    const frame = await wire.next();
    if (frame === 'closed') throw new Error('the server has closed the control connection');
    this.#note(frame);
    return frame;
  }

  #note(frame: Buffer): void {
    const { zxid = 0n } = headOf(frame) ?? {};
    if (zxid > this.lastZxid) this.lastZxid = zxid;
  }

  async removeAll(path: string): Promise<void> {
    const reply = await this.ask(getChildren(path));
    if (reply.readInt32BE(12) !== 0) return;
    let at = 20;
    for (let left = reply.readInt32BE(16); left > 0; left--) {
      const length = reply.readInt32BE(at);
      at += 4 + length;
      await this.removeAll(`${path}/${reply.toString('utf8', at - length, at)}`);
    }
    await this.ask(remove(path));
  }

  close(): void {
    this.#control.wire.destroy();
  }
}

const handshake = (options: ConnectOptions, lastZxid: bigint, session: Session | null): Buffer => {
  const { timeoutMs = TIMEOUT_MS, version = 0, readOnly = 0, password = 'right' } = options;
  const passwords = {
    right: session?.password ?? Buffer.alloc(16),
    wrong: Buffer.alloc(16, 7),
    short: Buffer.alloc(3),
    none: null,
  };
  return Buffer.concat([
    int(version),
    long(lastZxid),
    int(timeoutMs),
    long(session?.id ?? 0n),
    text(passwords[password]),
    ...(readOnly === null ? [] : [byte(readOnly)]),
  ]);
};

/** Runs a case and returns its lines. */
export const runCase = async (bench: Bench, one: Case): Promise<string[]> => {
  if (!one.isFirst) await bench.ask(create('/b', { data: '' }));
  const run = new Run(bench);
  try {
    for (const step of one.steps) await run.step(step);
    await run.settle(null);
  } finally {
    await run.cleanUp();
    if (!one.isFirst) {
      await bench.removeAll('/b');
      await bench.removeAll('/zookeeper/quota/b');
    }
  }
  return one.isUnordered ? sortEvents(run.lines) : run.lines;
};

const sortEvents = (lines: readonly string[]): string[] => {
  const sorted: string[] = [];
  let events: string[] = [];
  for (const line of lines) {
    if (line.includes(' event ')) {
      events.push(line);
      continue;
    }
    sorted.push(...events.sort(), line);
    events = [];
  }
  return [...sorted, ...events.sort()];
};

class Run {
  readonly lines: string[] = [];
  readonly #bench: Bench;
  readonly #names: Names;
  readonly #parties = new Map<string, Party>();
  readonly #sessions = new Map<string, Session>();
  /** Every session that was given, to be closed in the end. */
  readonly #given = new Map<bigint, Session>();
  /** Connections that a later one of the same name has taken the place of. */
  readonly #former: Party[] = [];

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#names = new Names(bench.lastZxid);
  }

  async step(step: Step): Promise<void> {
    switch (step.type) {
      case 'connect':
        await this.#connect(step.on, step.options, true);
        break;
      case 'ask':
        await this.#ask(await this.#party(step.on), step.requests, step.together);
        break;
      case 'bytes': {
        const party = this.#parties.get(step.on) ?? (await this.#open(step.on));
        party.wire.write(step.bytes);
        break;
      }
      case 'drop': {
        const party = await this.#party(step.on);
        party.isOpen = false;
        party.wire.destroy();
        break;
      }
      case 'closes':
        await this.#until(await this.#party(step.on), () => false);
        break;
      case 'events': {
        let left = step.count;
        await this.#until(await this.#party(step.on), () => --left === 0);
        break;
      }
    }
    await this.settle(step.on);
  }

  /** Lets what is under way to all but one connection arrive. */
  async settle(except: string | null): Promise<void> {
    for (const party of this.#parties.values()) {
      if (party.name === except || !party.isOpen || !this.#sessions.has(party.name)) continue;
      this.#send(party, ping());
      await this.#until(party, (frame) => headOf(frame)?.xid === PING_XID, ping().op);
    }
  }

  /** Ends all sessions, those too whose connection is gone. */
  async cleanUp(): Promise<void> {
    for (const party of [...this.#parties.values(), ...this.#former]) party.wire.destroy();
    for (const session of this.#given.values()) {
      const wire = await RawConnection.open(this.#bench.port);
      wire.write(framed(handshake({}, 0n, session)));
      const answer = await wire.next();
      if (answer !== 'closed' && answer.readBigInt64BE(8) !== 0n) {
        wire.write(framed(Buffer.concat([int(1), int(closeSession().op)])));
      }
      while ((await wire.next()) !== 'closed');
      wire.destroy();
    }
    await this.#bench.ask(getChildren('/'));
  }

  async #party(name: string): Promise<Party> {
    const known = this.#parties.get(name);
    if (known !== undefined) return known;
    await this.#connect(name, {}, false);
    return this.#parties.get(name) as Party;
  }

  async #open(name: string): Promise<Party> {
    const former = this.#parties.get(name);
    if (former !== undefined) this.#former.push(former);
    const party = new Party(name, await RawConnection.open(this.#bench.port));
    this.#parties.set(name, party);
    return party;
  }

  async #connect(name: string, options: ConnectOptions, isNoted: boolean): Promise<void> {
    const session = options.session === undefined ? null : this.#sessions.get(options.session);
    const party = await this.#open(name);
    const { lastZxid = 'none' } = options;
    const zxids = { none: 0n, latest: this.#bench.lastZxid, ahead: this.#bench.lastZxid + 1000n };
    party.wire.write(framed(handshake(options, zxids[lastZxid], session ?? null)));
    const frame = await party.wire.next();
    if (frame === 'closed') return this.#ended(party);
    if (isNoted) this.lines.push(`${name} ${renderConnect(frame, this.#names)}`);
    else renderConnect(frame, this.#names);
    const id = frame.readBigInt64BE(8);
    if (id === 0n) return;
    const given = { id, password: Buffer.from(frame.subarray(20, 36)) };
    this.#sessions.set(name, given);
    this.#given.set(id, given);
  }

  async #ask(party: Party, requests: readonly Request[], together: boolean): Promise<void> {
    if (together) for (const request of requests) this.#send(party, request);
    for (const request of requests) {
      if (!together) this.#send(party, request);
      const isReply = (frame: Buffer): boolean => headOf(frame)?.xid !== -1 || request.xid === -1;
      await this.#until(party, isReply, request.op, true);
    }
  }

  #send(party: Party, request: Request): void {
    const body = Buffer.from(request.body);
    if (request.relativeAt !== undefined) {
      const at = request.relativeAt;
      body.writeBigInt64BE(body.readBigInt64BE(at) + this.#names.startZxid, at);
    }
    const xid = request.xid ?? party.nextXid++;
    party.wire.write(framed(Buffer.concat([int(xid), int(request.op), body])));
  }

  /** Notes what comes until `isLast` or the end; the last one is a reply to `op`, and is itself noted if `isNoted`. */
  async #until(
    party: Party,
    isLast: (frame: Buffer) => boolean,
    op = 0,
    isNoted = op === 0,
  ): Promise<void> {
    while (party.isOpen) {
      const frame = await party.wire.next();
      if (frame === 'closed') return this.#ended(party);
      this.#note(frame);
      const isEnd = isLast(frame);
      if (!isEnd || isNoted) {
        const kind = isEnd ? op : 0;
        this.lines.push(`${party.name} ${renderReply(frame, kind, this.#names)}`);
      }
      if (isEnd) return;
    }
  }

  #note(frame: Buffer): void {
    const { zxid = 0n } = headOf(frame) ?? {};
    if (zxid > this.#bench.lastZxid) this.#bench.lastZxid = zxid;
  }

  #ended(party: Party): void {
    party.isOpen = false;
    const { rest } = party.wire;
    this.lines.push(
      `${party.name} closed${rest.length > 0 ? ` rest=${rest.toString('hex')}` : ''}`,
    );
  }
}
