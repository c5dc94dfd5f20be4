/**
 * The network between simulated hosts: delays, connections that break, directions that are cut. A cut direction holds its
 * packets back, as TCP would by sending again, until it is healed or the connection breaks. A killed process's kernel
 * closes its connections; a host without power just falls silent, and answers with resets once it is back.
 */
import { crc32c } from '../../protocol/checksum.ts';
import type { Connection, Net, ServerSocket } from '../../system/net.ts';
import { Endpoint, type Packet, type Wire } from './connection.ts';
import type { Place, SimProcess } from './process.ts';
import type { World } from './world.ts';

interface Listener {
  readonly process: SimProcess;
  readonly onConnection: (connection: Connection) => void;
}

/** One direction between two hosts. */
interface Direction {
  isCut: boolean;
  /** Added to every delay. */
  slownessMs: number;
  held: (() => void)[];
}

const FIRST_FREE_PORT = 40_000;

const failure = (code: string, message: string): Error =>
  Object.assign(new Error(`${code} ${message}`), { code });

export class Network implements Wire {
  readonly #world: World;
  readonly #places = new Map<string, Place>();
  readonly #listeners = new Map<string, Listener>();
  readonly #directions = new Map<string, Direction>();
  readonly #endpoints = new Set<Endpoint>();
  #nextPort = FIRST_FREE_PORT;

  constructor(world: World) {
    this.#world = world;
  }

  /** Takes a machine in and gives it an address. */
  join(place: Place): string {
    this.#places.set(place.name, place);
    return `10.0.0.${this.#places.size}`;
  }

  netOf(process: SimProcess): Net {
    return {
      listen: async (options, onConnection) => this.#listen(process, options.port, onConnection),
      connect: (options) => this.#connect(process, options),
    };
  }

  soon(process: SimProcess, callback: () => void): void {
    this.#world.schedule(0, process, callback);
  }

  cut(from: Place, to: Place): void {
    this.#direction(from, to).isCut = true;
  }

  heal(from: Place, to: Place): void {
    const direction = this.#direction(from, to);
    direction.isCut = false;
    for (const send of direction.held.splice(0)) send();
  }

  slowDown(from: Place, to: Place, slownessMs: number): void {
    this.#direction(from, to).slownessMs = slownessMs;
  }

  /** Breaks a random connection between two hosts; what is on its way is lost. */
  breakConnection(a: Place, b: Place): void {
    const candidates = [...this.#endpoints].filter(
      ({ process, peer, isClosed }) => !isClosed && process.place === a && peer.process.place === b,
    );
    if (candidates.length === 0) return;
    const chosen = this.#world.random.pick(candidates);
    for (const endpoint of [chosen, chosen.peer]) {
      this.#endpoints.delete(endpoint);
      const delayMs = this.#world.random.between(0, 50);
      this.#world.schedule(delayMs, endpoint.process, () => endpoint.reset('ECONNRESET'));
    }
  }

  send(from: Endpoint, packet: Packet): void {
    const to = from.peer;
    if (!this.#endpoints.has(from) && packet.type !== 'reset') return;
    this.#transmit(from.process.place, to.process.place, () => {
      const arriveMs = Math.max(
        this.#world.nowMs + this.#delayMs(from.process.place, to.process.place),
        from.lastArrivalMs,
      );
      from.lastArrivalMs = arriveMs;
      this.#world.schedule(arriveMs - this.#world.nowMs, null, () =>
        this.#arrive(from, to, packet),
      );
    });
  }

  processEnded(process: SimProcess, isPowerLoss: boolean): void {
    for (const [key, listener] of [...this.#listeners])
      if (listener.process === process) this.#listeners.delete(key);
    for (const endpoint of [...this.#endpoints]) {
      if (endpoint.process !== process) continue;
      if (!isPowerLoss && !endpoint.isClosed)
        this.send(endpoint, { type: 'reset', code: 'ECONNRESET' });
      endpoint.vanish();
      this.#endpoints.delete(endpoint);
    }
  }

  #arrive(from: Endpoint, to: Endpoint, packet: Packet): void {
    const { process } = to;
    // A connection that the network has broken carries nothing more.
    if (this.#isBroken(from, to) || !process.place.isUp) return;
    this.#observe(from, to, packet);
    if (process.isAlive)
      this.#world.schedule(0, process, () => {
        to.receive(packet);
        if (to.isClosed && from.isClosed) this.#forget(to);
      });
    else if (packet.type !== 'reset') this.send(to, { type: 'reset', code: 'ECONNRESET' });
  }

  #isBroken(from: Endpoint, to: Endpoint): boolean {
    return from.process.isAlive && to.process.isAlive && !this.#endpoints.has(to);
  }

  #forget(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
    this.#endpoints.delete(endpoint.peer);
  }

  #observe(from: Endpoint, to: Endpoint, packet: Packet): void {
    const { trace, nowMs } = this.#world;
    trace.number(Math.round(nowMs * 1000));
    trace.number(from.localPort ^ (to.localPort << 16));
    if (packet.type === 'data') trace.number(crc32c(packet.bytes, 0, packet.bytes.length));
    trace.detail(nowMs, () => {
      const size = packet.type === 'data' ? ` ${packet.bytes.length}` : '';
      return `${from.process.name} -> ${to.process.name}:${to.localPort} ${packet.type}${size}`;
    });
  }

  async #listen(
    process: SimProcess,
    wantedPort: number,
    onConnection: (connection: Connection) => void,
  ): Promise<ServerSocket> {
    const port = wantedPort === 0 ? this.#nextPort++ : wantedPort;
    const key = `${process.place.name}:${port}`;
    if (this.#listeners.has(key)) throw failure('EADDRINUSE', key);
    const listener = { process, onConnection };
    this.#listeners.set(key, listener);
    return {
      address: process.place.address,
      port,
      close: async () => {
        if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
      },
    };
  }

  #connect(
    process: SimProcess,
    { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
  ): Promise<Connection> {
    const target = this.#resolve(host);
    if (target === undefined) return Promise.reject(failure('ENOTFOUND', host));
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = this.#world.schedule(timeoutMs, process, () => {
        isOver = true;
        reject(new Error(`no connection to ${host}:${port} within ${timeoutMs} ms`));
      });
      this.#dial(process, target, port, (result) => {
        if (isOver) {
          if (result instanceof Endpoint) result.destroy();
          return;
        }
        isOver = true;
        timer.isCancelled = true;
        if (result instanceof Endpoint) resolve(result);
        else reject(result);
      });
    });
  }

  /** The handshake: there by the kernels' doing, back as an event of the process that dials. */
  #dial(
    process: SimProcess,
    target: Place,
    port: number,
    answer: (result: Endpoint | Error) => void,
  ): void {
    const source = process.place;
    const reply = (result: () => Endpoint | Error): void =>
      this.#transmit(target, source, () => {
        const delayMs = this.#delayMs(target, source);
        this.#world.schedule(delayMs, process, () => answer(result()));
      });
    this.#transmit(source, target, () => {
      this.#world.schedule(this.#delayMs(source, target), null, () => {
        if (!target.isUp || !process.isAlive) return;
        const listener = this.#listeners.get(`${target.name}:${port}`);
        if (listener === undefined)
          return reply(() => failure('ECONNREFUSED', `${target.name}:${port}`));
        const endpoint = this.#join(process, listener, port);
        reply(() => endpoint);
      });
    });
  }

  #join(process: SimProcess, listener: Listener, port: number): Endpoint {
    const localPort = this.#nextPort++;
    const near = { localAddress: process.place.address, localPort };
    const far = { localAddress: listener.process.place.address, localPort: port };
    const place = (a: typeof near, b: typeof near, isServer: boolean) => ({
      ...a,
      remoteAddress: b.localAddress,
      remotePort: b.localPort,
      isServer,
    });
    const client = new Endpoint(this, process, place(near, far, false));
    const server = new Endpoint(this, listener.process, place(far, near, true));
    client.peer = server;
    server.peer = client;
    this.#endpoints.add(client).add(server);
    this.soon(listener.process, () => listener.onConnection(server));
    return client;
  }

  #resolve(name: string): Place | undefined {
    const byName = this.#places.get(name);
    if (byName !== undefined) return byName;
    return [...this.#places.values()].find(({ address }) => address === name);
  }

  #transmit(from: Place, to: Place, send: () => void): void {
    const direction = this.#direction(from, to);
    if (direction.isCut) direction.held.push(send);
    else send();
  }

  #delayMs(from: Place, to: Place): number {
    const { random } = this.#world;
    if (from === to) return random.between(0.01, 0.05);
    const { slownessMs } = this.#direction(from, to);
    // Mostly short, now and then a packet that had to be sent again.
    const retransmissionMs = random.chance(0.002) ? random.between(20, 200) : 0;
    return random.between(0.1, 1) + random.float() * slownessMs + retransmissionMs;
  }

  #direction(from: Place, to: Place): Direction {
    const key = `${from.name}>${to.name}`;
    let direction = this.#directions.get(key);
    if (direction === undefined) {
      direction = { isCut: false, slownessMs: 0, held: [] };
      this.#directions.set(key, direction);
    }
    return direction;
  }
}
