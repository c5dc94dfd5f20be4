import { connectNodeClient } from '../../zookeeper/node-client.ts';
import { describeClient } from './contract.ts';

describe('the client over node-zookeeper-client', () => {
  describeClient('node', connectNodeClient);
});
