/**
 * One incoming connection: requests are handed on in the order they come and may be worked on side by side; their
 * responses leave in that same order, those of one turn of the event loop in one write. Reading stops while too much is
 * in flight, held back or throttled. Kafka works on one request of a connection at a time; a peer sees the same order.
 * Who may connect and who is idle is the listener's business.
 */
import { BadFrameSize, FrameReader } from '../protocol/frames.ts';
import { bufferPool } from '../system/buffer-pool.ts';
import type { Timer } from '../system/clock.ts';
import type { Connection } from '../system/net.ts';
import type { System } from '../system/system.ts';
import type { RequestBudget } from './request-budget.ts';

/** A response frame, null for none (acks=0), or 'close' for the end of the connection behind the earlier responses. */
export type Answer = readonly Buffer[] | null | 'close';

/** Called in the order of arrival as frames come; whatever it does before its first await keeps that order. */
export type RequestHandler = (
  frame: Buffer,
  connection: ClientConnection,
) => Promise<Answer> | Answer;

export interface ClientConnection {
  /** localAddress:localPort-remoteAddress:remotePort-index, as Kafka names it in logs. */
  readonly id: string;
  readonly clientHost: string;
  readonly listenerName: string;
  readonly isClosed: boolean;
  /** What the dispatcher keeps about this peer; the network layer never looks. */
  state: unknown;
  /** Takes no request for `delayMs` from now on, after those already handed on (KIP-219). */
  throttle(delayMs: number): void;
  /** Closes at once; responses that are not out are dropped. */
  close(): void;
}

/**
 * `kept`: somebody may keep views of the frame, and the answer may hold memory of others. `frameIsFree`: once it is
 * answered, nobody keeps a view of the frame without having retained it. `answerIsHeld`: each pooled piece of the answer
 * was retained for it, and is released when it has gone out.
 */
export type FrameMemory = 'kept' | 'frameIsFree' | 'answerIsHeld';

export interface ConnectionSettings {
  readonly listenerName: string;
  readonly maxRequestBytes: number;
  readonly inFlightMax: number;
  readonly inFlightBytesMax: number;
  readonly budget: RequestBudget;
  readonly onRequest: RequestHandler;
  /** What becomes of pooled memory behind a request; see `FrameMemory`. */
  readonly memoryOf: (frame: Buffer) => FrameMemory;
  /** Asks for a call of `flush` at the end of this turn. */
  readonly flushLater: (connection: ServedConnection) => void;
  readonly onClosed: (connection: ServedConnection) => void;
}

interface Slot {
  /** Undefined while the request is being worked on. */
  answer: Answer | undefined;
  readonly bytes: number;
  readonly memory: FrameMemory;
}

/** How long a peer may take to close its side after we have closed ours. */
const LINGER_MS = 1000;
/**
 * What the answers to the requests in flight may come to, judged by the size of earlier ones: a peer that pipelines
 * large fetches and reads slowly is served one at a time, as Kafka serves everybody.
 */
const ANSWER_BYTES_MAX = 1024 * 1024;

export class ServedConnection implements ClientConnection {
  readonly id: string;
  readonly clientHost: string;
  readonly listenerName: string;
  state: unknown = null;
  /** Elapsed time of the last byte in or out; kept for the listener's search for idle connections. */
  lastActiveMs: number;
  /** Set while the listener has it on its list for this turn. */
  isFlushPending = false;
  readonly #system: System;
  readonly #socket: Connection;
  readonly #settings: ConnectionSettings;
  readonly #reader: FrameReader;
  /** One per request in flight, oldest first: responses leave from the front only. */
  readonly #slots: Slot[] = [];
  /** Frames that came in the same chunk as one that filled the connection up. */
  #waiting: Buffer[] = [];
  #inFlightBytes = 0;
  /** Nothing is known of a new peer, so that it starts with a few requests at a time. */
  #expectedAnswerBytes = ANSWER_BYTES_MAX / 4;
  /** Bytes of this connection counted in the budget: received and not answered. */
  #heldBytes = 0;
  #isClosed = false;
  #isEnding = false;
  /** Nothing more is taken from this peer: it has closed its side, or sent what cannot be understood. */
  #hasPeerEnded = false;
  #isOutgoingFull = false;
  #isPaused = false;
  #throttle: Timer | null = null;
  #linger: Timer | null = null;
  readonly #wake = (): void => this.#update();

  constructor(system: System, socket: Connection, index: number, settings: ConnectionSettings) {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    this.id = `${localAddress}:${localPort}-${remoteAddress}:${remotePort}-${index}`;
    this.clientHost = remoteAddress;
    this.listenerName = settings.listenerName;
    this.lastActiveMs = system.clock.elapsedMs();
    this.#system = system;
    this.#socket = socket;
    this.#settings = settings;
    this.#reader = new FrameReader(settings.maxRequestBytes);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Starts reading; apart from the constructor so that the listener can register it first. */
  start(): void {
    this.#socket.start({
      borrows: true,
      data: (chunk) => this.#receive(chunk),
      room: () => this.#reader.room(),
      drain: () => {
        this.lastActiveMs = this.#system.clock.elapsedMs();
        this.#isOutgoingFull = false;
        this.#update();
      },
      end: () => {
        this.#hasPeerEnded = true;
        this.#update();
      },
      close: () => this.#closed(),
    });
  }

  throttle(delayMs: number): void {
    if (this.#isClosed || delayMs <= 0) return;
    this.#throttle?.cancel();
    this.#throttle = this.#system.clock.setTimer(delayMs, () => {
      this.#throttle = null;
      this.#update();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Sends what is finished at the front of the line, in one write. */
  flush(): void {
    if (this.#isClosed || this.#isEnding) return;
    const slots = this.#slots;
    const out: Buffer[] = [];
    let count = 0;
    let mustClose = false;
    const held: Buffer[] = [];
    for (const { answer, bytes, memory } of slots) {
      if (answer === undefined) break;
      count++;
      this.#inFlightBytes -= bytes;
      this.#release(bytes);
      if (answer === 'close') {
        mustClose = true;
        break;
      }
      if (answer === null) continue;
      for (const buffer of answer) {
        out.push(buffer);
        if (memory === 'answerIsHeld' && bufferPool.owns(buffer)) held.push(buffer);
      }
    }
    if (count === slots.length) slots.length = 0;
    else slots.splice(0, count);
    if (out.length > 0) {
      this.lastActiveMs = this.#system.clock.elapsedMs();
      const release = (): void => {
        for (const buffer of held) bufferPool.release(buffer);
      };
      const written = held.length === 0 ? undefined : release;
      if (!this.#socket.write(out, written)) this.#isOutgoingFull = true;
    }
    if (mustClose) this.#end();
    else this.#update();
  }

  #receive(chunk: Buffer): void {
    if (this.#isEnding || this.#hasPeerEnded) return;
    this.lastActiveMs = this.#system.clock.elapsedMs();
    this.#heldBytes += chunk.length;
    this.#settings.budget.take(chunk.length);
    try {
      for (const frame of this.#reader.push(chunk, true)) this.#waiting.push(frame);
    } catch (error) {
      if (!(error instanceof BadFrameSize)) throw error;
      // What follows cannot be understood any more, what came before is answered still.
      const fields = { connection: this.id, reason: error.message };
      this.#system.logger.info(fields, 'closing a connection that sent a bad frame');
      for (const frame of error.frames) this.#waiting.push(frame);
      this.#hasPeerEnded = true;
    }
    this.#update();
  }

  /** Hands frames on as far as limits allow, then stops or takes up reading. */
  #update(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#handOn();
    if (this.#hasPeerEnded && this.#slots.length === 0 && this.#waiting.length === 0) {
      return this.#end();
    }
    const mayRead = this.#mayRead();
    if (mayRead === !this.#isPaused) return;
    this.#isPaused = !mayRead;
    if (mayRead) this.#socket.resume();
    else this.#socket.pause();
  }

  #mayRead(): boolean {
    if (this.#hasPeerEnded) return false;
    if (!this.#mayHandOn() || this.#waiting.length > 0) return false;
    // Inside a frame we go on: its memory is committed, and all might wait for each other otherwise.
    const { budget } = this.#settings;
    if (!budget.isExhausted || this.#reader.pendingBytes > 0) return true;
    budget.waitForRoom(this.#wake);
    return false;
  }

  #mayHandOn(): boolean {
    const { inFlightMax, inFlightBytesMax } = this.#settings;
    return (
      this.#throttle === null &&
      !this.#isOutgoingFull &&
      this.#slots.length < inFlightMax &&
      this.#slots.length * this.#expectedAnswerBytes < ANSWER_BYTES_MAX &&
      this.#inFlightBytes < inFlightBytesMax
    );
  }

  #handOn(): void {
    let index = 0;
    while (index < this.#waiting.length && this.#mayHandOn() && !this.#isClosed) {
      this.#serve(this.#waiting[index++] as Buffer);
    }
    if (index > 0) this.#waiting = this.#waiting.slice(index);
  }

  #serve(frame: Buffer): void {
    const memory = this.#settings.memoryOf(frame);
    const slot: Slot = { answer: undefined, bytes: frame.length + 4, memory };
    this.#slots.push(slot);
    this.#inFlightBytes += slot.bytes;
    let result: Promise<Answer> | Answer;
    try {
      result = this.#settings.onRequest(frame, this);
    } catch (error) {
      return this.#failed(error);
    }
    if (result === null || result === 'close' || !('then' in result)) {
      this.#settle(slot, result, frame);
    } else {
      result.then(
        (answer) => this.#settle(slot, answer, frame),
        (error) => this.#failed(error),
      );
    }
  }

  #settle(slot: Slot, answer: Answer, frame: Buffer): void {
    slot.answer = answer;
    if (slot.memory === 'frameIsFree') bufferPool.release(frame);
    let answerBytes = 0;
    if (answer !== null && answer !== 'close')
      for (const { length } of answer) answerBytes += length;
    this.#expectedAnswerBytes = Math.max(answerBytes, this.#expectedAnswerBytes / 2);
    if (this.#slots[0] === slot) this.#settings.flushLater(this);
  }

  /** A handler answers failures itself; one that throws is a bug of ours, and its peer must not wait for ever. */
  #failed(error: unknown): void {
    this.#system.logger.error({ connection: this.id, err: error }, 'a request handler failed');
    this.close();
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#settings.budget.release(bytes);
  }

  /** Closes our side behind what has been written; the peer gets a moment to read it. */
  #end(): void {
    this.#isEnding = true;
    this.#waiting = [];
    if (this.#isPaused) this.#socket.resume();
    this.#socket.end();
    this.#linger = this.#system.clock.setTimer(LINGER_MS, () => this.#socket.destroy());
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#throttle?.cancel();
    this.#linger?.cancel();
    this.#settings.budget.forget(this.#wake);
    this.#release(this.#heldBytes);
    this.#slots.length = 0;
    this.#waiting = [];
    this.#settings.onClosed(this);
  }
}
