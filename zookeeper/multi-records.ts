/**
 * The bodies of multi and multiRead: each step behind a small header, a terminator at the end. A failed multi
 * is answered with an error entry for every step; its reply header says 0 all the same.
 */
import { type Codec, JuteError, type JuteReader, type JuteWriter, type Value } from './jute.ts';
import {
  type CheckRequest,
  type CreateRequest,
  type CreateTtlRequest,
  type DeleteRequest,
  opCodes,
  opName,
  type ReadRequest,
  requests,
  responses,
  type SetDataRequest,
} from './records.ts';

export type MultiStep =
  | { readonly type: 'create' | 'create2' | 'createContainer'; readonly request: CreateRequest }
  | { readonly type: 'createTtl'; readonly request: CreateTtlRequest }
  | { readonly type: 'delete'; readonly request: DeleteRequest }
  | { readonly type: 'setData'; readonly request: SetDataRequest }
  | { readonly type: 'check'; readonly request: CheckRequest }
  | { readonly type: 'getData' | 'getChildren'; readonly request: ReadRequest };

/** The steps a multi may hold, apart from those a multiRead may hold. */
export type MultiReadStep = Extract<MultiStep, { readonly type: 'getData' | 'getChildren' }>;
export type MultiWriteStep = Exclude<MultiStep, MultiReadStep>;

export type MultiStepResult =
  | ({ readonly type: 'create' } & Value<typeof responses.create>)
  | ({ readonly type: 'create2' } & Value<typeof responses.create2>)
  | { readonly type: 'delete' }
  | { readonly type: 'check' }
  | ({ readonly type: 'setData' } & Value<typeof responses.setData>)
  | ({ readonly type: 'getData' } & Value<typeof responses.getData>)
  | ({ readonly type: 'getChildren' } & Value<typeof responses.getChildren>)
  | { readonly type: 'error'; readonly code: number };

const writeHeader = (writer: JuteWriter, type: number, isDone: boolean, code: number): void => {
  writer.int(type);
  writer.bool(isDone);
  writer.int(code);
};

const readHeader = (reader: JuteReader): { type: number; isDone: boolean } => {
  const type = reader.int();
  const isDone = reader.bool();
  reader.int();
  return { type, isDone };
};

const readStep = (reader: JuteReader, code: number): MultiStep => {
  const type = opName(code);
  switch (type) {
    case 'create':
    case 'create2':
    case 'createContainer':
      return { type, request: requests.create.read(reader) };
    case 'createTtl':
      return { type, request: requests.createTtl.read(reader) };
    case 'delete':
      return { type, request: requests.delete.read(reader) };
    case 'setData': {
      const request = requests.setData.read(reader);
      if (request.path === null) throw new JuteError('no path in a step of a multi');
      return { type, request };
    }
    case 'check':
      return { type, request: requests.check.read(reader) };
    case 'getData':
    case 'getChildren':
      return { type, request: requests.getData.read(reader) };
    default:
      throw new JuteError(`operation ${code} in a multi`);
  }
};

export const multiRequest: Codec<readonly MultiStep[]> = {
  read(reader) {
    const steps: MultiStep[] = [];
    for (let header = readHeader(reader); !header.isDone; header = readHeader(reader)) {
      steps.push(readStep(reader, header.type));
    }
    return steps;
  },
  write(writer, steps) {
    for (const { type, request } of steps) {
      writeHeader(writer, opCodes[type], false, -1);
      (requests[type] as Codec<typeof request>).write(writer, request);
    }
    writeHeader(writer, -1, true, -1);
  },
};

const readResult = (reader: JuteReader, code: number): MultiStepResult => {
  const type = opName(code);
  switch (type) {
    case 'create':
      return { type, ...responses.create.read(reader) };
    case 'create2':
      return { type, ...responses.create2.read(reader) };
    case 'delete':
    case 'check':
      return { type };
    case 'setData':
      return { type, ...responses.setData.read(reader) };
    case 'getData':
      return { type, ...responses.getData.read(reader) };
    case 'getChildren':
      return { type, ...responses.getChildren.read(reader) };
    case 'error':
      return { type, code: reader.int() };
    default:
      throw new JuteError(`result of operation ${code} in a multi`);
  }
};

const writeResult = (writer: JuteWriter, result: MultiStepResult): void => {
  writeHeader(writer, opCodes[result.type], false, result.type === 'error' ? result.code : 0);
  switch (result.type) {
    case 'create':
      return responses.create.write(writer, result);
    case 'create2':
      return responses.create2.write(writer, result);
    case 'setData':
      return responses.setData.write(writer, result);
    case 'getData':
      return responses.getData.write(writer, result);
    case 'getChildren':
      return responses.getChildren.write(writer, result);
    case 'error':
      return writer.int(result.code);
    default:
  }
};

export const multiResponse: Codec<readonly MultiStepResult[]> = {
  read(reader) {
    const results: MultiStepResult[] = [];
    for (let header = readHeader(reader); !header.isDone; header = readHeader(reader)) {
      results.push(readResult(reader, header.type));
    }
    return results;
  },
  write(writer, results) {
    for (const result of results) writeResult(writer, result);
    writeHeader(writer, -1, true, -1);
  },
};
