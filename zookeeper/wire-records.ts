/** The requests of transport.ts as frames of ZooKeeper's protocol, and what the answers to them hold. */
import { zooKeeperCodes } from './errors.ts';
import { JuteError, type JuteReader } from './jute.ts';
import {
  type MultiStep,
  type MultiStepResult,
  multiRequest,
  multiResponse,
} from './multi-records.ts';
import { createFlags, encodeRequest, openAcl, requests, responses } from './records.ts';
import type { Operation, OperationResult } from './session.ts';
import type { AnyReply, Request, RequestType } from './transport.ts';

export const requestFrame = (xid: number, request: Request): Buffer => {
  switch (request.type) {
    case 'create': {
      const { path, data, acl, mode } = request;
      const body = { path, data, acl, flags: createFlags[mode] };
      return encodeRequest(xid, 'create', requests.create, body);
    }
    case 'delete':
      return encodeRequest(xid, 'delete', requests.delete, request);
    case 'exists':
      return encodeRequest(xid, 'exists', requests.exists, request);
    case 'getData':
      return encodeRequest(xid, 'getData', requests.getData, request);
    case 'getChildren':
      return encodeRequest(xid, 'getChildren2', requests.getChildren2, request);
    case 'setData':
      return encodeRequest(xid, 'setData', requests.setData, request);
    case 'getAcl':
      return encodeRequest(xid, 'getAcl', requests.getAcl, request);
    case 'setAcl':
      return encodeRequest(xid, 'setAcl', requests.setAcl, request);
    case 'sync':
      return encodeRequest(xid, 'sync', requests.sync, request);
    case 'multi':
      return encodeRequest(xid, 'multi', multiRequest, request.operations.map(multiStep));
  }
};

const multiStep = (step: Operation): MultiStep => {
  if (step.type !== 'create') return { type: step.type, request: step } as MultiStep;
  const { path, data, acl = openAcl, mode = 'persistent' } = step;
  return { type: 'create', request: { path, data, acl, flags: createFlags[mode] } };
};

/** An answer: what was asked for, or why not; `index` is the step of a multi that failed. */
export type Outcome =
  | { readonly isOk: true; readonly reply: AnyReply }
  | { readonly isOk: false; readonly code: number; readonly index?: number };

/** Reads the answer to `request`; `reader` stands behind the reply header, whose code is `code`. */
export const readOutcome = (request: Request, code: number, reader: JuteReader): Outcome => {
  if (request.type === 'exists' && code === zooKeeperCodes.NO_NODE) {
    return { isOk: true, reply: null };
  }
  if (code !== 0) return { isOk: false, code };
  if (request.type === 'multi') return multiOutcome(multiResponse.read(reader));
  return { isOk: true, reply: readReply(request.type, reader) };
};

const readReply = (type: Exclude<RequestType, 'multi'>, reader: JuteReader): AnyReply => {
  switch (type) {
    case 'create':
      return responses.create.read(reader).path;
    case 'exists':
    case 'setData':
    case 'setAcl':
      return responses.exists.read(reader).stat;
    case 'getData': {
      const { data, stat } = responses.getData.read(reader);
      // A copy: a view would keep the whole chunk that came from the socket.
      return { data: data === null ? null : Buffer.from(data), stat };
    }
    case 'getChildren': {
      const { children, stat } = responses.getChildren2.read(reader);
      return { children: [...children], stat };
    }
    case 'getAcl': {
      const { acl, stat } = responses.getAcl.read(reader);
      return { acl: [...acl], stat };
    }
    case 'delete':
    case 'sync':
      return undefined;
  }
};

/** A failed multi has an error in every entry: 0 before the step that failed, its code, -2 behind it. */
const multiOutcome = (results: readonly MultiStepResult[]): Outcome => {
  const index = results.findIndex((result) => result.type === 'error' && result.code !== 0);
  const failed = results[index];
  if (failed?.type === 'error') return { isOk: false, code: failed.code, index };
  return { isOk: true, reply: results.map(operationResult) };
};

const operationResult = (result: MultiStepResult): OperationResult => {
  switch (result.type) {
    case 'create':
      return { type: 'create', path: result.path };
    case 'setData':
      return { type: 'setData', stat: result.stat };
    case 'delete':
    case 'check':
      return { type: result.type };
    default:
      throw new JuteError(`a result of ${result.type} in a multi`);
  }
};
