/** Which partition of its internal topic a group or a transactional id belongs to. */

/** Java's String.hashCode: over UTF-16 code units, wrapping at 32 bits. */
const javaHashCode = (text: string): number => {
  let hash = 0;
  for (let index = 0; index < text.length; index++)
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
};

/** Kafka's Utils.abs has no positive counterpart of the least integer and takes 0. */
export const coordinatorPartition = (key: string, partitionCount: number): number => {
  const hash = javaHashCode(key);
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount;
};
