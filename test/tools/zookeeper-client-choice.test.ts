import { parseBrokerConfig } from '../../broker/config.ts';
import { realSystem } from '../../system/system.ts';
import { startServer } from '../../tools/server.ts';

const start = (client: string): Promise<unknown> => {
  const { config } = parseBrokerConfig(
    new Map([
      // Nobody listens on port 1.
      ['zookeeper.connect', '127.0.0.1:1'],
      ['zookeeper.connection.timeout.ms', '50'],
      ['zookeeper.clientCnxnSocket', client],
    ]),
  );
  return startServer(realSystem(), config);
};

describe('zookeeper.clientCnxnSocket', () => {
  test.each([
    '',
    'wire',
    'node-zookeeper-client',
    'org.apache.zookeeper.ClientCnxnSocketNetty',
    'ClientCnxnSocketNIO',
  ])('takes %p', async (client) => {
    await expect(start(client)).rejects.toThrow('ZooKeeper cannot be reached at 127.0.0.1:1');
  });

  test('refuses a client that there is not, and names those that there are', () => {
    expect(() => start('curator')).toThrow(
      'There is no ZooKeeper client curator: take zookeeper.clientCnxnSocket out or name one of node-zookeeper-client, wire.',
    );
  });
});
