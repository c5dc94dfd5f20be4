/**
 * What the group and transaction coordinators need of the replica layer: their internal topic's partitions as logs.
 * The replica manager implements it; the simulation and unit tests can stand in for it.
 */

export interface CoordinatorLog {
  /**
   * Appends one batch to a partition this broker leads and waits until the whole ISR has it (acks=all).
   * Resolves to a Kafka error code: 0, NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, REQUEST_TIMED_OUT …
   */
  append(topic: string, partition: number, batch: Buffer, timeoutMs: number): Promise<number>;
  /**
   * Everything in a partition this broker leads, from the log start offset to the log end offset at the time of the
   * call, as buffers of whole batches in offset order. Throws ProtocolError(NOT_LEADER_OR_FOLLOWER) otherwise.
   */
  read(topic: string, partition: number): AsyncIterable<Buffer>;
}
