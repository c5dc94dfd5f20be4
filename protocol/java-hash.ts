/** Java's String.hashCode, over UTF-16 code units and wrapping at 32 bits: Kafka places groups and orders tables by it. */
export const javaHash = (text: string): number => {
  let hash = 0;
  for (let index = 0; index < text.length; index++)
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
};
