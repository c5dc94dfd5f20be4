/** What every ZooKeeperClient does, checked against a real server; each client's test file calls it. */

import { isZooKeeperError, ZooKeeperError } from '../../zookeeper/errors.ts';
import { describeConnections } from './contract/connections.ts';
import { describeRequests } from './contract/requests.ts';
import { describeSessions } from './contract/sessions.ts';
import { type Connect, SetUp } from './contract/set-up.ts';

export const describeClient = (name: string, connect: Connect): void => {
  const given = new SetUp(name, connect);

  beforeAll(() => given.start());
  afterAll(() => given.stop());
  beforeEach(() => given.begin());
  afterEach(() => given.end());

  describeRequests(given);
  describeConnections(given);
  describeSessions(given);

  test('errors can be told apart by code', () => {
    const error = new ZooKeeperError('NO_NODE', '/a');
    expect(isZooKeeperError(error, 'NODE_EXISTS', 'NO_NODE')).toBe(true);
    expect(isZooKeeperError(error, 'NODE_EXISTS')).toBe(false);
    expect(isZooKeeperError(new Error('NO_NODE'), 'NO_NODE')).toBe(false);
  });
};
