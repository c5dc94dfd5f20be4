/**
 * Control records: the markers that end a transaction in a partition (KIP-98). Reads the key and
 * value of the one record of a control batch, and builds such a batch. Other kinds (those of KRaft)
 * are told apart and otherwise left alone.
 */

import { InvalidRecordError } from './record.ts';
import { buildBatch, type RecordBatch } from './record-batch.ts';

export type ControlType = 'abort' | 'commit' | 'other';

export interface EndTransactionMarker {
  readonly type: 'abort' | 'commit';
  readonly coordinatorEpoch: number;
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * The type in the key of a control record; a newer version of the key is read as the one we know.
 */
export const controlTypeOf = (key: Buffer | null): ControlType => {
  if (key === null || key.length < 4 || key.readInt16BE(0) < 0) {
    throw new InvalidRecordError('control record key');
  }
  const type = key.readInt16BE(2);
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other';
};

/**
 * The marker in a control batch; null when it holds none: other kinds, and what compaction has
 * emptied.
 */
export const endTransactionMarkerOf = (batch: RecordBatch): EndTransactionMarker | null => {
  if (batch.recordCount === 0) return null;
  for (const { key, value, offset, timestamp } of batch.records()) {
    const type = controlTypeOf(key);
    if (type === 'other') return null;
    if (value === null || value.length < 6 || value.readInt16BE(0) < 0) {
      throw new InvalidRecordError('control record value');
    }
    return { type, coordinatorEpoch: value.readInt32BE(2), offset, timestamp };
  }
  return null;
};

export interface MarkerOptions {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly timestamp: number;
}

/** The batch that ends the transaction of a producer in a partition. */
export const buildEndTransactionMarker = (options: MarkerOptions): Buffer => {
  const key = Buffer.alloc(4);
  key.writeInt16BE(options.isCommit ? 1 : 0, 2);
  const value = Buffer.alloc(6);
  value.writeInt32BE(options.coordinatorEpoch, 2);
  return buildBatch({
    records: [{ key, value, timestamp: options.timestamp }],
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    isTransactional: true,
    isControl: true,
  });
};
