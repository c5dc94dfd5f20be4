/** The topics that hold the brokers' own state. */

export const CONSUMER_OFFSETS = '__consumer_offsets';
export const TRANSACTION_STATE = '__transaction_state';

export const isInternalTopic = (topic: string): boolean =>
  topic === CONSUMER_OFFSETS || topic === TRANSACTION_STATE;
