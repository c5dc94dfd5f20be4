/**
 * The methods of `ZooKeeperClient` over a session loop: chroot, watch flags, and the recursive helpers as
 * KafkaZkClient has them. Both clients (node-client.ts, wire-client.ts) are made by `connectClient`.
 */
import type { Logger } from '../system/logger.ts';
import type { System } from '../system/system.ts';
import type { TlsClient } from '../system/tls.ts';
import { addChroot, stripChroot } from './chroot.ts';
import { parseConnectString } from './connect-string.ts';
import { isZooKeeperError } from './errors.ts';
import { openAcl } from './records.ts';
import type {
  Acl,
  CreateMode,
  Operation,
  OperationResult,
  SessionHandlers,
  Stat,
  WatchHandler,
  ZooKeeperClient,
} from './session.ts';
import { SessionLoop } from './session-loop.ts';
import type { Credential, OpenTransport } from './transport.ts';
import { WatchRegistry } from './watch-registry.ts';

export interface ClientOptions {
  /** `host1:port1,host2:port2/chroot`. */
  readonly connectString: string;
  /** What is asked for; the server may grant another. */
  readonly sessionTimeoutMs: number;
  /** Until the first session must stand. */
  readonly connectionTimeoutMs: number;
  readonly credentials?: readonly Credential[];
  /** Dials with TLS, always over our own connection. */
  readonly tls?: TlsClient;
  /** The access list of nodes that are made without one, by path without chroot; open to everybody unless given. */
  readonly aclOf?: (path: string) => readonly Acl[];
  /** Makes the chroot with its parents when it is missing, as a broker does at start. */
  readonly createsChroot?: boolean;
  readonly inFlightMax?: number;
  readonly logger?: Logger;
}

const IN_FLIGHT_MAX = 100;

/** Connects over `openTransport`; rejects with OPERATION_TIMEOUT when no session stands in time. */
export const connectClient = async (
  system: System,
  openTransport: OpenTransport,
  options: ClientOptions,
): Promise<ZooKeeperClient> => {
  const { servers, chroot } = parseConnectString(options.connectString);
  const registry = new WatchRegistry();
  const loop = new SessionLoop(system, openTransport, registry, {
    servers,
    chroot,
    sessionTimeoutMs: options.sessionTimeoutMs,
    credentials: options.credentials ?? [],
    inFlightMax: options.inFlightMax ?? IN_FLIGHT_MAX,
    logger: options.logger ?? system.logger,
  });
  const aclOf = options.aclOf ?? (() => openAcl);
  await loop.start(options.connectionTimeoutMs);
  if (options.createsChroot && chroot !== '') {
    try {
      await ensurePath(new Client(loop, registry, { chroot: '', aclOf }), chroot);
    } catch (error) {
      await loop.close();
      throw error;
    }
  }
  return new Client(loop, registry, { chroot, aclOf });
};

interface Place {
  readonly chroot: string;
  readonly aclOf: (path: string) => readonly Acl[];
}

class Client implements ZooKeeperClient {
  readonly #loop: SessionLoop;
  readonly #registry: WatchRegistry;
  readonly #chroot: string;
  readonly #aclOf: (path: string) => readonly Acl[];

  constructor(loop: SessionLoop, registry: WatchRegistry, { chroot, aclOf }: Place) {
    this.#loop = loop;
    this.#registry = registry;
    this.#chroot = chroot;
    this.#aclOf = aclOf;
  }

  get sessionId(): bigint {
    return this.#loop.sessionId;
  }

  get isConnected(): boolean {
    return this.#loop.isConnected;
  }

  async create(
    path: string,
    data: Buffer | null,
    options: { mode?: CreateMode; acl?: readonly Acl[] } = {},
  ): Promise<string> {
    const { mode = 'persistent', acl = this.#aclOf(path) } = options;
    const made = await this.#loop.call<'create'>({
      type: 'create',
      path: this.#whole(path),
      data,
      mode,
      acl,
    });
    return stripChroot(this.#chroot, made);
  }

  async createRecursive(path: string, data: Buffer | null): Promise<string> {
    try {
      return await this.create(path, data);
    } catch (error) {
      if (!isZooKeeperError(error, 'NO_NODE') || parentOf(path) === '/') throw error;
    }
    await ensurePath(this, parentOf(path));
    return this.create(path, data);
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#loop.call<'delete'>({ type: 'delete', path: this.#whole(path), version });
  }

  async deleteRecursive(path: string): Promise<void> {
    try {
      const { children } = await this.getChildren(path, { watch: false });
      const prefix = path === '/' ? '/' : `${path}/`;
      await Promise.all(children.map((name) => this.deleteRecursive(prefix + name)));
      await this.delete(path);
    } catch (error) {
      // Somebody else may be deleting, too.
      if (!isZooKeeperError(error, 'NO_NODE')) throw error;
    }
  }

  exists(path: string): Promise<Stat | null> {
    const whole = this.#whole(path);
    const watch = this.#registry.wantsNode(whole);
    return this.#loop.call<'exists'>({ type: 'exists', path: whole, watch });
  }

  getData(path: string): Promise<{ data: Buffer | null; stat: Stat }> {
    const whole = this.#whole(path);
    const watch = this.#registry.wantsNode(whole);
    return this.#loop.call<'getData'>({ type: 'getData', path: whole, watch });
  }

  setData(path: string, data: Buffer | null, version = -1): Promise<Stat> {
    return this.#loop.call<'setData'>({ type: 'setData', path: this.#whole(path), data, version });
  }

  getChildren(
    path: string,
    options: { watch?: boolean } = {},
  ): Promise<{ children: string[]; stat: Stat }> {
    const whole = this.#whole(path);
    const watch = options.watch !== false && this.#registry.wantsChildren(whole);
    return this.#loop.call<'getChildren'>({ type: 'getChildren', path: whole, watch });
  }

  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    return this.#loop.call<'getAcl'>({ type: 'getAcl', path: this.#whole(path) });
  }

  setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#loop.call<'setAcl'>({ type: 'setAcl', path: this.#whole(path), acl, version });
  }

  sync(path: string): Promise<void> {
    return this.#loop.call<'sync'>({ type: 'sync', path: this.#whole(path) });
  }

  async multi(operations: readonly Operation[]): Promise<OperationResult[]> {
    const results = await this.#loop.call<'multi'>({
      type: 'multi',
      operations: operations.map((step) => {
        const path = this.#whole(step.path);
        if (step.type !== 'create') return { ...step, path };
        return { ...step, path, acl: step.acl ?? this.#aclOf(step.path) };
      }),
    });
    if (this.#chroot === '') return results;
    return results.map((result) =>
      result.type === 'create'
        ? { ...result, path: stripChroot(this.#chroot, result.path) }
        : result,
    );
  }

  watchNode(path: string, handler: WatchHandler): () => void {
    return this.#registry.addNodeHandler(this.#whole(path), handler);
  }

  watchChildren(path: string, handler: WatchHandler): () => void {
    return this.#registry.addChildHandler(this.#whole(path), handler);
  }

  onSession(handlers: SessionHandlers): () => void {
    return this.#loop.onSession(handlers);
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  #whole(path: string): string {
    return addChroot(this.#chroot, path);
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** Makes `path` and its parents, null data; what exists already is fine. */
export const ensurePath = async (client: ZooKeeperClient, path: string): Promise<void> => {
  try {
    await client.createRecursive(path, null);
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
  }
};
