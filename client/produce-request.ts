/** Batches into a Produce request, and a response back to the batches and records it is about. For the sender. */
import type { apis, RequestInput, ResponseOutput } from '../protocol/apis.ts';
import type { Codec } from '../protocol/compression.ts';
import type { Accumulator, Batch } from './accumulator.ts';
import { TimeoutError } from './errors.ts';

export type ProduceRequest = RequestInput<typeof apis.produce>;
export type ProduceResponse = ResponseOutput<typeof apis.produce>;
export type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number];

/** At most one batch of each partition, grouped by topic. */
export const produceTopics = (
  batches: readonly Batch[],
  accumulator: Accumulator,
  options: { readonly compression: Codec; readonly compressionLevel?: number },
): ProduceRequest['topicData'] => {
  const { compression, compressionLevel } = options;
  const encoding =
    compressionLevel === undefined ? { compression } : { compression, compressionLevel };
  const topics = new Map<string, { index: number; records: Buffer }[]>();
  for (const batch of batches) {
    const { topic, partition } = batch.queue;
    const records = batch.encode(encoding);
    if (batch.tries === 0) accumulator.learnRatio(batch, records.length);
    const partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, [{ index: partition, records }]);
    else partitions.push({ index: partition, records });
  }
  return [...topics].map(([name, partitionData]) => ({ name, partitionData }));
};

/** The response's entries by `topic-partition`. */
export const answersByPartition = ({
  responses,
}: ProduceResponse): Map<string, PartitionResponse> => {
  const answers = new Map<string, PartitionResponse>();
  for (const { name, partitionResponses } of responses) {
    for (const partition of partitionResponses)
      answers.set(`${name}-${partition.index}`, partition);
  }
  return answers;
};

export const expired = (batch: Batch, cause?: Error): TimeoutError => {
  const { topic, partition } = batch.queue;
  const message = `expired ${batch.records.length} record(s) for ${topic}-${partition}`;
  return new TimeoutError(message, cause === undefined ? undefined : { cause });
};

/** Where the broker names the records at fault, the others fail only because they were in the same batch. */
export const recordError = (
  error: Error,
  recordErrors: PartitionResponse['recordErrors'],
  index: number,
): Error => {
  if (recordErrors.length === 0) return error;
  const own = recordErrors.find(({ batchIndex }) => batchIndex === index);
  if (own === undefined) {
    return new Error('the record was in a batch with records that were refused', { cause: error });
  }
  const text = own.batchIndexErrorMessage;
  return text === null ? error : new Error(text, { cause: error });
};
