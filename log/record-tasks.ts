/**
 * What is done to records in a thread of its own (system/workers.ts): validation, conversion for old consumers, and the codecs'
 * part of cleaning. `run` is the thread's side; requests and results are plain data, bytes change hands without being copied.
 * Pure.
 */

import { type DownConversion, downConvert } from '../protocol/down-conversion.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { assembleBatch, type BatchHeader, RecordBatch } from '../protocol/record-batch.ts';
import { assert, unreachable } from '../system/assert.ts';
import type { TaskResult } from '../system/workers.ts';
import { validateForLeader } from './validate-append.ts';
import { InvalidRecordsError, type RecordError } from './validate-errors.ts';
import type { ValidatedBatch, ValidationOptions } from './validate-rules.ts';

/** For the pool that runs this module. */
export const RECORD_TASKS_URL = import.meta.url;

export type RecordRequest =
  | { readonly task: 'validate'; readonly records: Uint8Array; readonly options: ValidationOptions }
  | { readonly task: 'convert'; readonly records: Uint8Array; readonly options: DownConversion }
  /** `records` is a batch. */
  | { readonly task: 'decompress'; readonly records: Uint8Array }
  /** `records` is what goes into the batch. */
  | { readonly task: 'assemble'; readonly records: Uint8Array; readonly header: BatchHeader };

interface Refused {
  readonly code: number;
  readonly message: string;
  readonly recordErrors: readonly RecordError[] | null;
}

type Validated = Omit<ValidatedBatch, 'batch'> & { readonly bytes: Uint8Array };

export type RecordResult =
  | { readonly type: 'refused'; readonly refused: Refused }
  | { readonly type: 'validated'; readonly validated: Validated | null }
  | { readonly type: 'converted'; readonly parts: readonly Uint8Array[] }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array };

/** One task; refusals are results, too. */
export const run = (request: unknown): TaskResult => {
  const { records, ...asked } = request as RecordRequest;
  const buffer = Buffer.from(records.buffer, records.byteOffset, records.length);
  try {
    switch (asked.task) {
      case 'convert':
        return converted(downConvert(buffer, asked.options));
      case 'decompress':
        return plain(new RecordBatch(buffer, 0).recordBytes());
      case 'assemble':
        return plain(assembleBatch(asked.header, buffer));
      case 'validate':
        return validated(validateForLeader(buffer, asked.options));
      default:
        return unreachable(asked);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const recordErrors = error instanceof InvalidRecordsError ? error.recordErrors : null;
    const refused = { code: error.code, message: error.message, recordErrors };
    return { result: { type: 'refused', refused } satisfies RecordResult, transfer: [] };
  }
};

const validated = (result: ValidatedBatch | null): TaskResult => {
  if (result === null)
    return { result: { type: 'validated', validated: null } satisfies RecordResult, transfer: [] };
  const { batch, ...rest } = result;
  const bytes = ownBytes(batch.bytes());
  return {
    result: { type: 'validated', validated: { ...rest, bytes } } satisfies RecordResult,
    transfer: [bytes.buffer],
  };
};

const converted = (parts: readonly Buffer[]): TaskResult => {
  const bytes = ownBytes(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
  return {
    result: { type: 'converted', parts: [bytes] } satisfies RecordResult,
    transfer: [bytes.buffer],
  };
};

const plain = (made: Buffer): TaskResult => {
  const bytes = ownBytes(made);
  return { result: { type: 'bytes', bytes } satisfies RecordResult, transfer: [bytes.buffer] };
};

/** Bytes in memory that nothing else shares, so that it can be handed over. */
const ownBytes = (bytes: Buffer): Uint8Array<ArrayBuffer> => {
  const { buffer } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length;
  return isOwn ? new Uint8Array(buffer) : new Uint8Array(bytes);
};

/** What the thread found, as `validateForLeader` would have returned or thrown it. */
export const validatedFrom = (result: RecordResult): ValidatedBatch | null => {
  if (result.type === 'refused') throw errorOf(result.refused);
  if (result.type !== 'validated' || result.validated === null) return null;
  const { bytes, ...rest } = result.validated;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { ...rest, batch: new RecordBatch(buffer, 0) };
};

/** What the thread made, as `downConvert` would have returned or thrown it. */
export const convertedFrom = (result: RecordResult): readonly Buffer[] => {
  if (result.type === 'refused') throw errorOf(result.refused);
  if (result.type !== 'converted') return [];
  return result.parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length));
};

/** The bytes that the thread made. */
export const bytesFrom = (result: RecordResult): Buffer => {
  if (result.type === 'refused') throw errorOf(result.refused);
  assert(result.type === 'bytes', 'the thread has answered with bytes');
  return Buffer.from(result.bytes.buffer, result.bytes.byteOffset, result.bytes.length);
};

const errorOf = ({ code, message, recordErrors }: Refused): ProtocolError =>
  recordErrors === null
    ? new ProtocolError(code, message)
    : new InvalidRecordsError(code, recordErrors);
