/** Control requests name the registration they are meant for; one for an earlier registration is refused (KIP-380). */
import type { Services } from '../services.ts';

/** -1: the sender does not say. A larger one is accepted: the controller may have seen a new registration first. */
export const isStaleBrokerEpoch = (services: Services, brokerEpoch: bigint): boolean =>
  brokerEpoch !== -1n && brokerEpoch < services.brokerEpoch();
