/**
 * What a leader checks in messages of magic 0 and 1, which producers below Produce version 3 send, and the batch that they
 * become: all of them are written in the format of today, whatever they came in (Kafka's LogValidator with its conversion).
 * Pure. Sizes and outer checksums have been checked before.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { contentOf, wrappedMessages } from '../protocol/old-messages.ts';
import type { RecordInput } from '../protocol/record.ts';
import { buildBatch, RecordBatch } from '../protocol/record-batch.ts';
import { Refusals } from './validate-errors.ts';
import {
  checkSize,
  checkWritable,
  invalid,
  levelOf,
  RecordRules,
  targetCodec,
  UNCOMPRESSED_BYTES_MAX,
  type ValidatedBatch,
  type ValidationOptions,
} from './validate-rules.ts';

/** Throws ProtocolError, for refused records InvalidRecordsError. */
export const validateMessages = (
  messages: readonly RecordBatch[],
  options: ValidationOptions,
): ValidatedBatch => {
  const { config, nowMs } = options;
  const first = messages[0] as RecordBatch;
  const source = messages.findLast(({ compression }) => compression !== 'none')?.compression;
  if (source !== undefined && messages.length > 1)
    throw invalid('a compressed message beside others');
  const compression = targetCodec(source ?? 'none', config.compressionType);
  const records: RecordInput[] = [];
  for (const message of messages) {
    if (message.magic !== first.magic) throw invalid('messages of two formats');
    if (message.compression === 'none') checkSingle(message, options, records);
    else checkWrapped(message, options, records);
  }
  const level = levelOf(compression, config);
  const levelOption = level === undefined ? {} : { compressionLevel: level };
  const batch = new RecordBatch(buildBatch({ records, compression, ...levelOption }), 0);
  const isAppendTime = config.messageTimestampType === 'LogAppendTime';
  if (isAppendTime) batch.setMaxTimestamp('logAppendTime', nowMs);
  checkSize(batch, config.maxMessageBytes);
  const { maxTimestamp } = batch;
  return { batch, maxTimestamp, logAppendTimeMs: isAppendTime ? nowMs : -1, isRebuilt: true };
};

/** Each message counts as a batch: the first refused one ends it, and is number 0. */
const checkSingle = (
  message: RecordBatch,
  options: ValidationOptions,
  records: RecordInput[],
): void => {
  const { key, value } = contentOf(message);
  const refusals = new Refusals();
  const { maxTimestamp: timestamp } = message;
  const saysAppendTime = message.timestampType === 'logAppendTime';
  new RecordRules(options, refusals).check(0, key !== null, timestamp, saysAppendTime);
  refusals.throwIfAny();
  checkWritable(timestamp);
  records.push({ key, value, timestamp });
};

const checkWrapped = (
  wrapper: RecordBatch,
  options: ValidationOptions,
  records: RecordInput[],
): void => {
  const { inner } = wrappedMessages(
    wrapper,
    options.uncompressedBytesMax ?? UNCOMPRESSED_BYTES_MAX,
  );
  const refusals = new Refusals();
  const rules = new RecordRules(options, refusals);
  const saysAppendTime = wrapper.timestampType === 'logAppendTime';
  for (const [index, message] of inner.entries()) {
    if (message.compression !== 'none') throw invalid('a compressed message in another');
    if (message.magic !== wrapper.magic) {
      refusals.add(index, 'magic');
      continue;
    }
    if (!message.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
    const { key, value } = contentOf(message);
    // The wrapper's word counts for those inside.
    const timestamp = saysAppendTime ? wrapper.maxTimestamp : message.maxTimestamp;
    rules.check(index, key !== null, timestamp, saysAppendTime);
    records.push({ key, value, timestamp });
  }
  refusals.throwIfAny();
  for (const { timestamp } of records) checkWritable(timestamp ?? -1);
};
