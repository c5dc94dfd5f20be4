/**
 * The transport of transport.ts over our own connection: its requests as frames of ZooKeeper's protocol, answers read
 * back. What a connection does is in wire-connection.ts.
 */
import { zooKeeperErrorName } from './errors.ts';
import type { OpenTransport } from './transport.ts';
import { openWireConnection } from './wire-connection.ts';
import { readOutcome, requestFrame } from './wire-records.ts';

/** Kafka raises its client's limit to this. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;

export const openWireTransport: OpenTransport = (system, target, handlers) => {
  const options = { ...target, readOnly: false, frameBytesMax: FRAME_BYTES_MAX };
  const connection = openWireConnection(system, options, handlers);
  return {
    send: (request, answer) =>
      connection.send(
        (xid) => requestFrame(xid, request),
        (code, body) => {
          const outcome = readOutcome(request, code, body);
          if (outcome.isOk) answer.resolve(outcome.reply);
          else answer.reject(zooKeeperErrorName(outcome.code), outcome.index);
        },
      ),
    rearm: ({ lastZxid, data, absent, children }) =>
      connection.setWatches({
        relativeZxid: lastZxid,
        data: data.keys(),
        exist: absent,
        child: children.keys(),
      }),
    probe: () => connection.ping(),
    closeSession: () => connection.closeSession(),
    abandon: () => connection.abandon(),
  };
};
