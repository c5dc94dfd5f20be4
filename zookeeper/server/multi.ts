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

export const writeResults =
  (results: readonly MultiStepResult[]): Answer =>
  (writer) =>
    multiResponse.write(writer, results);
