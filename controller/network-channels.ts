/**
 * Control channels over our own request channels. Versions are fixed and nothing is negotiated, as
 * between Kafka brokers of one inter-broker version.
 */
import { openChannel } from '../network/request-channel.ts';
import { apis } from '../protocol/apis.ts';
import type { System } from '../system/system.ts';
import type { ChannelFactory, ControlAnswer } from './channels.ts';
import type { ControlRequest } from './request-batch.ts';

/** Opens plain connections under the controller's broker id as client id. */
export const networkChannels =
  (
    system: System,
    options: {
      readonly clientId: string;
      /** controller.socket.timeout.ms */
      readonly connectTimeoutMs?: number;
      readonly requestTimeoutMs?: number;
    },
  ): ChannelFactory =>
  async ({ host, port }) => {
    const channel = await openChannel(system, { ...options, host, port, versions: 'newest' });
    const send = (request: ControlRequest): Promise<ControlAnswer> => {
      switch (request.api) {
        case 'leaderAndIsr':
          return channel.send(apis.leaderAndIsr, request.body);
        case 'updateMetadata':
          return channel.send(apis.updateMetadata, request.body);
        case 'stopReplica':
          return channel.send(apis.stopReplica, request.body);
      }
    };
    return {
      send,
      onClose: (callback) => channel.onClose(callback),
      close: () => channel.close(),
    };
  };
