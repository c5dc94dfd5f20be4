/**
 * What is done to records in a thread of its own (system/workers.ts): validation, and conversion for old consumers. `run` is
 * the thread's side; requests and results are plain data, bytes change hands without being copied. Pure.
 */

import { type DownConversion, downConvert } from '../protocol/down-conversion.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { RecordBatch } from '../protocol/record-batch.ts';
import type { TaskResult } from '../system/workers.ts';
import { validateForLeader } from './validate-append.ts';
import { InvalidRecordsError, type RecordError } from './validate-errors.ts';
import type { ValidatedBatch, ValidationOptions } from './validate-rules.ts';

/** For the pool that runs this module. */
export const RECORD_TASKS_URL = import.meta.url;

export type RecordRequest =
  | { readonly task: 'validate'; readonly records: Uint8Array; readonly options: ValidationOptions }
  | { readonly task: 'convert'; readonly records: Uint8Array; readonly options: DownConversion };

interface Refused {
  readonly code: number;
  readonly message: string;
  readonly recordErrors: readonly RecordError[] | null;
}

type Validated = Omit<ValidatedBatch, 'batch'> & { readonly bytes: Uint8Array };

export type RecordResult =
  | { readonly type: 'refused'; readonly refused: Refused }
  | { readonly type: 'validated'; readonly validated: Validated | null }
  | { readonly type: 'converted'; readonly parts: readonly Uint8Array[] };

/** One task; refusals are results, too. */
export const run = (request: unknown): TaskResult => {
  const { records, ...asked } = request as RecordRequest;
  const buffer = Buffer.from(records.buffer, records.byteOffset, records.length);
  try {
    if (asked.task === 'convert') return converted(downConvert(buffer, asked.options));
    return validated(validateForLeader(buffer, asked.options));
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

const errorOf = ({ code, message, recordErrors }: Refused): ProtocolError =>
  recordErrors === null
    ? new ProtocolError(code, message)
    : new InvalidRecordsError(code, recordErrors);
