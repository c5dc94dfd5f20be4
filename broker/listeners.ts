/**
 * The ports of a broker, and what they share: how many connections there may be, in all and from one address, and how much
 * memory requests may take that are not answered yet (Kafka's SocketServer, ConnectionQuotas).
 */
import { ConnectionLimits } from '../network/connection-limits.ts';
import {
  type FrameMemory,
  type Listener,
  openListener,
  type RequestHandler,
} from '../network/listener.ts';
import { RequestBudget } from '../network/request-budget.ts';
import { apis } from '../protocol/apis.ts';
import type { System } from '../system/system.ts';
import { splitList } from './config/setting.ts';
import type { BrokerConfig } from './config.ts';

/**
 * Connections the kernel keeps until we accept them. Kafka has a thread for that, we take one a turn of the event loop: with
 * Kafka's 50 a crowd that comes back at once would be put off by a second and more.
 */
const BACKLOG_MIN = 1024;

export class Listeners {
  /** By listener name. */
  readonly ports: Record<string, number> = {};
  readonly #system: System;
  readonly #config: BrokerConfig;
  readonly #limits = new ConnectionLimits();
  readonly #open: Listener[] = [];

  constructor(system: System, config: BrokerConfig) {
    this.#system = system;
    this.#config = config;
  }

  /** Throws Node's error for a port that is taken. */
  async open(current: BrokerConfig, onRequest: RequestHandler): Promise<void> {
    const config = this.#config;
    this.configure(current);
    const { queuedRequestBytesMax } = config;
    const budget = new RequestBudget(
      queuedRequestBytesMax > 0 ? queuedRequestBytesMax : Number.POSITIVE_INFINITY,
    );
    for (const { name, host, port } of config.listeners) {
      const listener = await openListener(
        this.#system,
        {
          name,
          host: host === '' ? '0.0.0.0' : host,
          port,
          maxRequestBytes: config.socketRequestBytesMax,
          idleMsMax: config.connectionsIdleMsMax,
          connectionsMax: connectionsMaxOf(current, name),
          backlog: Math.max(config.socketListenBacklogSize, BACKLOG_MIN),
          limits: this.#limits,
          // What brokers say to each other must not wait for clients to go.
          isProtected: config.listeners.length > 1 && name === config.interBrokerListenerName,
          budget,
          memoryOf,
        },
        onRequest,
      );
      this.#open.push(listener);
      this.ports[name] = listener.port;
    }
  }

  /** Takes over the limits of these settings; who is connected stays. */
  configure(current: BrokerConfig): void {
    const { connectionsMax, connectionsPerIpMax } = current;
    const overrides = countsByAddress(current.connectionsPerIpOverrides ?? '');
    for (const listener of this.#open)
      listener.connectionsMax = connectionsMaxOf(current, listener.name);
    this.#limits.configure({
      connectionsMax,
      perAddressMax: (address) => overrides.get(address) ?? connectionsPerIpMax,
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((listener) => listener.close()));
  }
}

/** A listener may have a limit of its own; otherwise it has that of the broker. */
const connectionsMaxOf = ({ raw, connectionsMax }: BrokerConfig, listenerName: string): number =>
  Number(raw.get(`listener.name.${listenerName.toLowerCase()}.max.connections`) ?? connectionsMax);

/** max.connections.per.ip.overrides. Deviation: of names of hosts only localhost is known, others are not looked up. */
const countsByAddress = (text: string): ReadonlyMap<string, number> =>
  new Map(
    splitList(text).flatMap((part) => {
      const colon = part.lastIndexOf(':');
      const [host, count] = [part.slice(0, colon), Number(part.slice(colon + 1))];
      const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
      return addresses.map((address): [string, number] => [address, count]);
    }),
  );

/**
 * Of a Produce request nothing is kept but its records, by recent appends, and those retain what they keep; the records in
 * a Fetch response were retained by the read. What other handlers keep of their requests (members' metadata, say), and
 * send to others, is theirs for good.
 */
const memoryOf = (frame: Buffer): FrameMemory => {
  const apiKey = frame.length >= 2 ? frame.readInt16BE(0) : -1;
  if (apiKey === apis.produce.key) return 'frameIsFree';
  return apiKey === apis.fetch.key ? 'answerIsHeld' : 'kept';
};
