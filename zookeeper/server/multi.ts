/** What a multi may hold, and how its steps are answered, failed and applied ones. Pure. */
import { zooKeeperCodes as codes } from '../errors.ts';
import {
  type MultiReadStep,
  type MultiStep,
  type MultiStepResult,
  type MultiWriteStep,
  multiResponse,
} from '../multi-records.ts';
import { createFlags } from '../records.ts';
import type { Stat } from '../session.ts';
import type { Answer } from './reads.ts';
import type { TransactionBody } from './transactions.ts';

export const isMultiRead = (step: MultiStep): step is MultiReadStep =>
  step.type === 'getData' || step.type === 'getChildren';

/** What a step asks for: in a multi the flags, not the operation, say that a node is a container or has a TTL. */
export const asMeant = (step: MultiWriteStep): MultiWriteStep => {
  if (!('flags' in step.request)) return step;
  const { request } = step;
  if (request.flags === createFlags.container) return { type: 'createContainer', request };
  const isTtl = request.flags >= createFlags['persistent-ttl'];
  return step.type === 'createTtl' && !isTtl ? { type: 'create', request } : step;
};

/** Flags ZooKeeper's multi cannot decode spoil the whole request, like a read in it. */
export const isMultiWrite = (step: MultiStep): step is MultiWriteStep => {
  switch (step.type) {
    case 'getData':
    case 'getChildren':
      return false;
    case 'create':
    case 'create2':
    case 'createContainer':
      return step.request.flags >= 0 && step.request.flags <= createFlags.container;
    default:
      return true;
  }
};

export const failedStep = (
  index: number,
  failed: { index: number; code: number },
): MultiStepResult => {
  if (index < failed.index) return { type: 'error', code: codes.OK };
  if (index > failed.index) return { type: 'error', code: codes.RUNTIME_INCONSISTENCY };
  return { type: 'error', code: failed.code };
};

export const appliedStep = (
  op: MultiWriteStep['type'],
  body: TransactionBody,
  stat: Stat | null,
): MultiStepResult => {
  switch (body.type) {
    case 'create':
    case 'createContainer':
    case 'createTtl':
      return op === 'create' || stat === null
        ? { type: 'create', path: body.path }
        : { type: 'create2', path: body.path, stat };
    case 'setData':
      return stat === null ? { type: 'error', code: codes.NO_NODE } : { type: 'setData', stat };
    case 'check':
      return { type: 'check' };
    default:
      return { type: 'delete' };
  }
};

/** A short request may ask for the same large node many times. Deviation: ZooKeeper runs out of memory and ends. */
const READ_BYTES_MAX = 64 * 1024 * 1024;

/** The answer to a multiRead, refused where it would become too large. */
export const readResults = (
  steps: readonly MultiReadStep[],
  read: (step: MultiReadStep) => MultiStepResult,
): Answer => {
  const results: MultiStepResult[] = [];
  let bytes = 0;
  for (const step of steps) {
    const result = read(step);
    bytes += resultBytes(result);
    if (bytes > READ_BYTES_MAX) return codes.MARSHALLING_ERROR;
    results.push(result);
  }
  return writeResults(results);
};

/** What a step of a multiRead adds to the answer, roughly. */
const resultBytes = (result: MultiStepResult): number => {
  if (result.type === 'getData') return STEP_BYTES + (result.data?.length ?? 0);
  if (result.type !== 'getChildren') return STEP_BYTES;
  return result.children.reduce((sum, name) => sum + 4 + name.length, STEP_BYTES);
};

/** Header and stat. */
const STEP_BYTES = 100;

export const writeResults =
  (results: readonly MultiStepResult[]): Answer =>
  (writer) =>
    multiResponse.write(writer, results);
