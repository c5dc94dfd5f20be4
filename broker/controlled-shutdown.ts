/**
 * Before a broker stops it asks the controller to move its leaderships away (Kafka's KafkaServer.controlledShutdown), so that
 * clients hardly notice. It stops all the same when the controller cannot be reached or nobody else can lead.
 */
import { apis } from '../protocol/apis.ts';
import { errorCodes } from '../protocol/errors.ts';
import type { System } from '../system/system.ts';
import type { ControllerChannel } from './controller-channel.ts';

export interface ShutdownOptions {
  readonly brokerId: number;
  readonly brokerEpoch: bigint;
  readonly maxRetries: number;
  readonly retryBackoffMs: number;
}

/** True when no partition is led by this broker any more. */
export const shutDownControlled = async (
  system: System,
  channel: ControllerChannel,
  { brokerId, brokerEpoch, maxRetries, retryBackoffMs }: ShutdownOptions,
): Promise<boolean> => {
  for (let attempt = 1; attempt <= maxRetries; attempt++) {
    try {
      const response = await channel.send(apis.controlledShutdown, { brokerId, brokerEpoch });
      if (response.errorCode === errorCodes.NONE && response.remainingPartitions.length === 0)
        return true;
      system.logger.info(
        { errorCode: response.errorCode, remaining: response.remainingPartitions.length },
        'controlled shutdown is not complete',
      );
      if (response.errorCode !== errorCodes.NONE) channel.forget();
    } catch (error) {
      system.logger.info({ err: error }, 'controlled shutdown could not reach the controller');
      channel.forget();
    }
    if (attempt < maxRetries) await system.clock.sleep(retryBackoffMs);
  }
  return false;
};
