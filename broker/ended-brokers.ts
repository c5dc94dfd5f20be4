/**
 * Notices at once that the controller's process has ended: a connection to it that carries nothing breaks, and its host
 * refuses another. Its registration and /controller, which its session would keep until it expires, are removed then; the
 * election that follows is an ordinary one. Kafka waits for the session. The controller does the same for all other
 * brokers. Should the guess be wrong, the broker registers again, and the controller epoch fences whoever was replaced.
 */
import type { Connection } from '../system/net.ts';
import type { System } from '../system/system.ts';
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { Operation, Stat, ZooKeeperClient } from '../zookeeper/session.ts';
import { brokerIdZnode, controllerZnode } from '../zookeeper/znodes.ts';
import type { BrokerEndpoint, MetadataCache } from './metadata-cache.ts';

const DIAL_TIMEOUT_MS = 5000;
/** Refusals in a row that it takes to believe in a broker's end. */
const REFUSALS = 2;
const FIRST_PAUSE_MS = 20;
const PAUSE_MS_MAX = 1000;

/** Removes a registration whose process has ended, as it was read, and /controller where it belongs to the same session. */
export const removeEndedBroker = async (
  zookeeper: ZooKeeperClient,
  brokerId: number,
  registered: Stat,
): Promise<void> => {
  const path = brokerIdZnode.path(brokerId);
  const operations: Operation[] = [{ type: 'delete', path, version: registered.version }];
  const controller = await zookeeper.exists(controllerZnode.path);
  if (controller !== null && controller.ephemeralOwner === registered.ephemeralOwner) {
    const { version } = controller;
    operations.push({ type: 'delete', path: controllerZnode.path, version });
  }
  try {
    await zookeeper.multi(operations);
  } catch (error) {
    // Gone with its session, removed by somebody else, or replaced in the meantime.
    if (!isZooKeeperError(error, 'NO_NODE', 'BAD_VERSION')) throw error;
  }
};

export interface ControllerWatchOptions {
  readonly brokerId: number;
  /** Of the inter-broker listener. */
  readonly listenerName: string;
}

export class ControllerWatch {
  readonly #system: System;
  readonly #zookeeper: ZooKeeperClient;
  readonly #metadata: MetadataCache;
  readonly #options: ControllerWatchOptions;
  #watched: Watched | null = null;
  #isStopped = false;

  constructor(
    system: System,
    parts: { readonly zookeeper: ZooKeeperClient; readonly metadata: MetadataCache },
    options: ControllerWatchOptions,
  ) {
    this.#system = system;
    this.#zookeeper = parts.zookeeper;
    this.#metadata = parts.metadata;
    this.#options = options;
  }

  /** The metadata have changed: maybe the controller is another one, or elsewhere. */
  update(): void {
    const { brokerId, listenerName } = this.#options;
    const { controllerId } = this.#metadata;
    const controller = this.#metadata.aliveBroker(controllerId, listenerName);
    const { endpoint } = this.#watched ?? {};
    if (
      endpoint?.id === controller?.id &&
      endpoint?.host === controller?.host &&
      endpoint?.port === controller?.port
    )
      return;
    this.#watched?.end();
    this.#watched = null;
    if (controller === undefined || controllerId === brokerId || this.#isStopped) return;
    this.#watched = new Watched(this.#system, this.#zookeeper, controller);
    void this.#watched.run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#watched?.end();
  }
}

/** One controller, for as long as it is the one. */
class Watched {
  readonly endpoint: BrokerEndpoint;
  readonly #system: System;
  readonly #zookeeper: ZooKeeperClient;
  #connection: Connection | null = null;
  /** As it was while the connection stood. */
  #registered: Stat | null = null;
  #failureCount = 0;
  #refusalCount = 0;
  #isOver = false;

  constructor(system: System, zookeeper: ZooKeeperClient, endpoint: BrokerEndpoint) {
    this.#system = system;
    this.#zookeeper = zookeeper;
    this.endpoint = endpoint;
  }

  end(): void {
    this.#isOver = true;
    this.#connection?.destroy();
  }

  async run(): Promise<void> {
    const { clock, logger } = this.#system;
    while (!this.#isOver) {
      try {
        await this.#connect();
      } catch (error) {
        const isRefused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
        this.#refusalCount = isRefused ? this.#refusalCount + 1 : 0;
      }
      if (this.#isOver) return;
      if (this.#refusalCount === REFUSALS && this.#registered !== null) {
        try {
          await this.#remove(this.#registered);
        } catch (error) {
          // The session's end will remove it all the same.
          logger.warn({ err: error }, 'could not remove the registration of an ended broker');
        }
      }
      // A few quick tries, since an end should be noticed soon; then ever slower ones.
      const doublings = Math.max(0, this.#failureCount++ - REFUSALS);
      await clock.sleep(Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** doublings));
    }
  }

  /** Resolves when a connection has stood and ended. */
  async #connect(): Promise<void> {
    const { host, port, id } = this.endpoint;
    const { net } = this.#system;
    const connection = await net.connect({ host, port, timeoutMs: DIAL_TIMEOUT_MS });
    this.#connection = connection;
    this.#refusalCount = 0;
    const ended = new Promise<void>((resolve) => {
      connection.start({
        data: () => {},
        end: () => connection.destroy(),
        close: () => resolve(),
      });
    });
    if (this.#isOver) connection.destroy();
    try {
      this.#registered = await this.#zookeeper.exists(brokerIdZnode.path(id));
      this.#failureCount = 0;
      await ended;
    } finally {
      connection.destroy();
    }
  }

  async #remove(registered: Stat): Promise<void> {
    const { id } = this.endpoint;
    const found = await this.#zookeeper.exists(brokerIdZnode.path(id));
    if (found === null || found.czxid !== registered.czxid || this.#isOver) return;
    const text = `broker ${id}, the controller, refuses connections; its registration is removed`;
    this.#system.logger.warn({}, text);
    await removeEndedBroker(this.#zookeeper, id, found);
  }
}
