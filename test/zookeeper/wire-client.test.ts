import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { describeClient } from './contract.ts';

describe('the client over our own connection', () => {
  describeClient('wire', connectWireClient);
});
