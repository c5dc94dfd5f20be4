/**
 * A partition's log as it lies on a simulated disk, read past the broker that owns it: a fingerprint for each offset.
 * Reads only what is new since the last time, unless the files were cut or rewritten.
 */
import { batchSizeAt } from '../../protocol/batches.ts';
import { RecordBatch } from '../../protocol/record-batch.ts';
import type { Device } from './disk.ts';
import type { Inode } from './disk-content.ts';

interface SegmentView {
  readonly name: string;
  readonly inode: Inode;
  rewriteCount: number;
  readBytes: number;
  readonly baseOffset: number;
}

export class LogView {
  /** Of the batch that holds an offset: its leader epoch and its checksum in one number. */
  readonly fingerprints: number[] = [];
  /** Below it the fingerprints have been compared with what is committed; falls back with every cut. */
  verifiedOffset = 0;
  /** The same for the broker's knowledge of epochs. */
  epochsVerifiedOffset = 0;
  readonly #device: Device;
  readonly #directory: string;
  #segments: SegmentView[] = [];
  #namesChangeCount = -1;

  constructor(device: Device, directory: string) {
    this.#device = device;
    this.#directory = directory;
  }

  get endOffset(): number {
    return this.fingerprints.length;
  }

  refresh(): void {
    const { changeCount } = this.#device.names;
    if (changeCount !== this.#namesChangeCount) {
      this.#namesChangeCount = changeCount;
      this.#listSegments();
    }
    for (const [index, segment] of this.#segments.entries()) {
      if (segment.rewriteCount !== segment.inode.rewriteCount) this.#forgetFrom(index);
      if (segment.readBytes < segment.inode.size) this.#read(segment);
    }
  }

  /** All records, from the first offset on. */
  *records(): Generator<{ offset: number; value: string }> {
    for (const { inode } of this.#segments) {
      for (const batch of batchesOf(inode, 0)) {
        for (const { offset, value } of batch.records())
          yield { offset, value: value?.toString() ?? '' };
      }
    }
  }

  #listSegments(): void {
    const { names } = this.#device;
    const found: SegmentView[] = [];
    for (const name of names.list(this.#directory)) {
      const inode = names.file(`${this.#directory}/${name}`);
      if (!name.endsWith('.log') || inode === undefined) continue;
      const baseOffset = Number(name.slice(0, -'.log'.length));
      found.push({ name, inode, rewriteCount: inode.rewriteCount, readBytes: 0, baseOffset });
    }
    const isSame = (index: number): boolean =>
      this.#segments[index]?.inode === found[index]?.inode && found[index] !== undefined;
    let sameCount = 0;
    while (isSame(sameCount)) sameCount += 1;
    const firstOther = this.#segments[sameCount]?.baseOffset ?? found[sameCount]?.baseOffset;
    this.#segments = [...this.#segments.slice(0, sameCount), ...found.slice(sameCount)];
    if (firstOther !== undefined) this.#cut(firstOther);
  }

  #forgetFrom(index: number): void {
    for (const segment of this.#segments.slice(index)) {
      segment.rewriteCount = segment.inode.rewriteCount;
      segment.readBytes = 0;
    }
    this.#cut(this.#segments[index]?.baseOffset ?? 0);
  }

  #cut(offset: number): void {
    if (this.fingerprints.length > offset) this.fingerprints.length = offset;
    this.verifiedOffset = Math.min(this.verifiedOffset, offset);
    this.epochsVerifiedOffset = Math.min(this.epochsVerifiedOffset, offset);
  }

  #read(segment: SegmentView): void {
    for (const batch of batchesOf(segment.inode, segment.readBytes)) {
      const fingerprint = batch.partitionLeaderEpoch * 2 ** 32 + (batch.crc >>> 0);
      for (let offset = batch.baseOffset; offset <= batch.lastOffset; offset++)
        this.fingerprints[offset] = fingerprint;
      segment.readBytes += batch.sizeBytes;
    }
  }
}

/** Whole batches from `position` on; whatever follows them is not there yet. */
function* batchesOf(inode: Inode, position: number): Generator<RecordBatch> {
  const bytes = inode.view;
  for (let at = position; ; ) {
    const size = batchSizeAt(bytes, at);
    if (size <= 0 || at + size > bytes.length) return;
    const batch = new RecordBatch(bytes, at);
    if (batch.magic !== 2) return;
    yield batch;
    at += size;
  }
}
