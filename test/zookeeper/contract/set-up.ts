/**
 * What every test of the contract finds: a server, a relay in front of it that can fail, the client under test behind the
 * relay, and a folder of its own in the tree.
 */
import { realSystem, type System } from '../../../system/system.ts';
import type { ClientOptions } from '../../../zookeeper/client.ts';
import type { ZooKeeperClient } from '../../../zookeeper/session.ts';
import type { Relay } from '../relay.ts';
import { startRelay } from '../relay.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

export type Connect = (system: System, options: ClientOptions) => Promise<ZooKeeperClient>;

const system = realSystem();

export class SetUp {
  readonly #name: string;
  readonly #connect: Connect;
  #count = 0;
  server!: TestServer;
  proxy!: Relay;
  client!: ZooKeeperClient;
  /** Another client, past the proxy, that sees and does what the one under test does not. */
  observer!: ZooKeeperClient;
  root = '';

  constructor(name: string, connect: Connect) {
    this.#name = name;
    this.#connect = connect;
  }

  connect(options: ClientOptions): Promise<ZooKeeperClient> {
    return this.#connect(system, options);
  }

  /** One more client behind the proxy; the caller closes it. */
  open(options: Partial<ClientOptions> = {}): Promise<ZooKeeperClient> {
    return this.connect({
      connectString: `127.0.0.1:${this.proxy.port}`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      ...options,
    });
  }

  /** Another client under test, in place of the one there is. */
  async reopen(options: Partial<ClientOptions>): Promise<ZooKeeperClient> {
    await this.client.close();
    this.client = await this.open(options);
    return this.client;
  }

  async start(): Promise<void> {
    this.server = await startTestServer();
    this.proxy = await startRelay(this.server.port);
    this.observer = await this.open({ connectString: `127.0.0.1:${this.server.port}` });
  }

  async stop(): Promise<void> {
    await this.observer.close();
    await this.proxy.close();
    await this.server.close();
  }

  async begin(): Promise<void> {
    this.client = await this.open();
    this.root = `/${this.#name}-${process.pid}-${this.#count++}`;
    await this.client.create(this.root, null);
  }

  async end(): Promise<void> {
    this.proxy.isSilent = false;
    this.proxy.isClosed = false;
    this.proxy.isSlow = false;
    await this.client.close();
    await this.observer.deleteRecursive(this.root);
  }
}
