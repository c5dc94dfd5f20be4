/** The package node-zookeeper-client as it is, to show beside our client what ours keeps away from the rest of the code. */
import zookeeper, { type Client, type ClientOptions } from 'node-zookeeper-client';
import { Inbox } from './inbox.ts';

export interface BareClient {
  readonly client: Client;
  /** The package's states as they came. */
  readonly states: Inbox<string>;
  /** What was thrown out of its socket handler, which would have ended the process. */
  readonly thrown: Inbox<unknown>;
  /** Resolves when its latest state is this one. */
  until(state: string): Promise<void>;
}

const stateNames: Readonly<Record<number, string>> = {
  0: 'disconnected',
  1: 'connecting',
  2: 'connected',
  [-1]: 'closing',
  [-2]: 'closed',
  [-3]: 'expired',
  [-4]: 'authFailed',
};

const open: Client[] = [];

/** Makes a client; `connect` has not been called. */
export const bareClient = (port: number, options: Partial<ClientOptions> = {}): BareClient => {
  const client = zookeeper.createClient(`127.0.0.1:${port}`, {
    sessionTimeout: 10_000,
    spinDelay: 0,
    retries: 0,
    ...options,
  });
  open.push(client);
  const states = new Inbox<string>();
  const thrown = new Inbox<unknown>();
  const manager = client.connectionManager;
  const parse = manager.onSocketData.bind(manager);
  manager.onSocketData = (chunk) => {
    try {
      parse(chunk);
    } catch (error) {
      thrown.put(error);
    }
  };
  manager.on('state', (state: number) => states.put(stateNames[state] ?? String(state)));
  const until = async (state: string): Promise<void> => {
    while (states.items.at(-1) !== state) await states.until(states.items.length + 1);
  };
  return { client, states, thrown, until };
};

/** Makes a client and waits for its session. */
export const connectBare = async (
  port: number,
  options: Partial<ClientOptions> = {},
): Promise<BareClient> => {
  const bare = bareClient(port, options);
  bare.client.connect();
  await bare.until('connected');
  return bare;
};

/** Cuts off all clients; belongs into afterEach. */
export const dropBareClients = (): void => {
  for (const { connectionManager: manager } of open.splice(0)) {
    manager.connect = () => {};
    if (manager.connectTimeoutHandler !== null) clearTimeout(manager.connectTimeoutHandler);
    manager.socket?.destroy();
  }
};
