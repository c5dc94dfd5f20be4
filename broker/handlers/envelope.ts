/**
 * Envelope: forwarding between brokers (KIP-590) exists only while a cluster migrates to KRaft,
 * which this broker does not do. As in Kafka the connection is closed, although the API is
 * advertised.
 */
import { apis } from '../../protocol/apis.ts';
import { handler } from './handler.ts';
import { CloseConnection } from './produce.ts';

export const envelopeHandler = handler(apis.envelope, () => {
  throw new CloseConnection('an Envelope came, but forwarding is off');
});
