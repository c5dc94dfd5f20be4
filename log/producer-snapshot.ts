/**
 * The bytes of a producer snapshot, Kafka's `<offset>.snapshot`, version 1: what a log knows of
 * each producer at that offset, of its batches only the last one. Pure; which files there are and
 * when they are written is the log's business.
 */

import { crc32c } from '../protocol/checksum.ts';
import { readInt64, writeInt64 } from '../protocol/integers.ts';

/** One producer as it is stored. */
export interface ProducerSnapshotEntry {
  readonly producerId: number;
  readonly epoch: number;
  /** -1, like lastOffset, when no data batch is known. */
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  /** Of the last batch or marker. */
  readonly timestamp: number;
  readonly coordinatorEpoch: number;
  /** -1 without an open transaction. */
  readonly currentTxnFirstOffset: number;
}

/** The file does not hold a snapshot; an older one, or the log itself, has to do. */
export class BadSnapshotError extends Error {
  override readonly name = 'BadSnapshotError';
}

const VERSION = 1;
const HEADER_BYTES = 10;
const CRC_POSITION = 2;
/** The checksum covers all from here on, the count included. */
const CRC_START = 6;
const ENTRY_BYTES = 46;

export const encodeProducerSnapshot = (entries: readonly ProducerSnapshotEntry[]): Buffer => {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + entries.length * ENTRY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(entries.length, CRC_START);
  let position = HEADER_BYTES;
  for (const entry of entries) {
    writeInt64(bytes, position, entry.producerId);
    bytes.writeInt16BE(entry.epoch, position + 8);
    bytes.writeInt32BE(entry.lastSequence, position + 10);
    writeInt64(bytes, position + 14, entry.lastOffset);
    bytes.writeInt32BE(entry.offsetDelta, position + 22);
    writeInt64(bytes, position + 26, entry.timestamp);
    bytes.writeInt32BE(entry.coordinatorEpoch, position + 34);
    writeInt64(bytes, position + 38, entry.currentTxnFirstOffset);
    position += ENTRY_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes, CRC_START, bytes.length), CRC_POSITION);
  return bytes;
};

/** Throws BadSnapshotError when length, version or checksum is wrong. */
export const decodeProducerSnapshot = (bytes: Buffer): ProducerSnapshotEntry[] => {
  if (bytes.length < HEADER_BYTES) throw new BadSnapshotError('too short');
  if (bytes.readInt16BE(0) !== VERSION) throw new BadSnapshotError('unknown version');
  const count = bytes.readInt32BE(CRC_START);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) throw new BadSnapshotError('length');
  if (bytes.readUInt32BE(CRC_POSITION) !== crc32c(bytes, CRC_START, bytes.length)) {
    throw new BadSnapshotError('checksum');
  }
  const entries: ProducerSnapshotEntry[] = [];
  for (let position = HEADER_BYTES; position < bytes.length; position += ENTRY_BYTES) {
    entries.push({
      producerId: readInt64(bytes, position),
      epoch: bytes.readInt16BE(position + 8),
      lastSequence: bytes.readInt32BE(position + 10),
      lastOffset: readInt64(bytes, position + 14),
      offsetDelta: bytes.readInt32BE(position + 22),
      timestamp: readInt64(bytes, position + 26),
      coordinatorEpoch: bytes.readInt32BE(position + 34),
      currentTxnFirstOffset: readInt64(bytes, position + 38),
    });
  }
  return entries;
};
