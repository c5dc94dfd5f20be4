/** Which partition of its internal topic a group or a transactional id belongs to. */
import { javaHash } from '../../protocol/java-hash.ts';

/** Kafka's Utils.abs has no positive counterpart of the least integer and takes 0. */
export const coordinatorPartition = (key: string, partitionCount: number): number => {
  const hash = javaHash(key);
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount;
};
