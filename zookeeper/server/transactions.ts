/**
 * Transactions: what a write becomes once it has been checked, and how it is kept. The encoding is ZooKeeper's
 * own (TxnHeader and the records of zookeeper.jute, package txn), so that its log files and ours are the same.
 * A transaction holds final values only (path with sequence number, new version, resolved access list), so that
 * replaying it depends on nothing but the tree.
 */
import {
  bool,
  buffer,
  type Codec,
  int,
  JuteError,
  JuteReader,
  type JuteWriter,
  long,
  record,
  string,
  time,
  vector,
} from '../jute.ts';
import { aclList, opCodes } from '../records.ts';
import type { Acl } from '../session.ts';

interface Created {
  readonly path: string;
  readonly data: Buffer | null;
  readonly acl: readonly Acl[];
  /** The parent's new count of creations. */
  readonly parentCversion: number;
}

export type TransactionBody =
  | ({ readonly type: 'create'; readonly ephemeral: boolean } & Created)
  | ({ readonly type: 'createContainer' } & Created)
  | ({ readonly type: 'createTtl'; readonly ttl: bigint } & Created)
  | { readonly type: 'delete' | 'deleteContainer'; readonly path: string }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Buffer | null;
      readonly version: number;
    }
  | {
      readonly type: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number;
    }
  | { readonly type: 'check'; readonly path: string; readonly version: number }
  | { readonly type: 'createSession'; readonly timeoutMs: number }
  /** `paths` null: as ZooKeeper before 3.6 wrote it; all ephemeral nodes of the session go. */
  | { readonly type: 'closeSession'; readonly paths: readonly string[] | null }
  /** A refused write: it takes a zxid and changes nothing. */
  | { readonly type: 'error'; readonly code: number }
  | { readonly type: 'multi'; readonly bodies: readonly TransactionBody[] };

export interface Transaction {
  readonly zxid: bigint;
  readonly sessionId: bigint;
  readonly cxid: number;
  readonly timeMs: number;
  readonly body: TransactionBody;
}

const header = record({ sessionId: long, cxid: int, zxid: long, timeMs: time, type: int });

const bodies = {
  create: record({
    path: string,
    data: buffer,
    acl: aclList,
    ephemeral: bool,
    parentCversion: int,
  }),
  createContainer: record({ path: string, data: buffer, acl: aclList, parentCversion: int }),
  createTtl: record({ path: string, data: buffer, acl: aclList, parentCversion: int, ttl: long }),
  delete: record({ path: string }),
  deleteContainer: record({ path: string }),
  setData: record({ path: string, data: buffer, version: int }),
  setAcl: record({ path: string, acl: aclList, version: int }),
  check: record({ path: string, version: int }),
  createSession: record({ timeoutMs: int }),
  error: record({ code: int }),
} as const;

/** create2 is logged as such by ZooKeeper; its record is that of create. */
const typesByCode = new Map<number, keyof typeof bodies>([
  ...(Object.keys(bodies) as (keyof typeof bodies)[]).map((type): [number, keyof typeof bodies] => [
    opCodes[type],
    type,
  ]),
  [opCodes.create2, 'create'],
]);

const sessionPaths = vector(string);

const writeBody = (writer: JuteWriter, body: TransactionBody): void => {
  if (body.type === 'multi') {
    writer.int(body.bodies.length);
    for (const part of body.bodies) writePart(writer, part);
  } else if (body.type === 'closeSession') {
    if (body.paths !== null) sessionPaths.write(writer, body.paths);
  } else {
    (bodies[body.type] as Codec<typeof body>).write(writer, body);
  }
};

/** A step of a multi: its type, then its record as a length-prefixed buffer. */
const writePart = (writer: JuteWriter, part: TransactionBody): void => {
  writer.int(opCodes[part.type]);
  const at = writer.length;
  writer.int(0);
  writeBody(writer, part);
  writer.patchInt(at, writer.length - at - 4);
};

const readBody = (reader: JuteReader, code: number): TransactionBody => {
  if (code === opCodes.multi) {
    const count = reader.int();
    if (count < 0 || count > reader.remaining) throw new JuteError(`a multi of ${count} steps`);
    const parts: TransactionBody[] = [];
    for (let index = 0; index < count; index++) parts.push(readPart(reader));
    return { type: 'multi', bodies: parts };
  }
  if (code === opCodes.closeSession) {
    const paths = reader.remaining >= 4 ? sessionPaths.read(reader) : null;
    return { type: 'closeSession', paths };
  }
  const type = typesByCode.get(code);
  if (type === undefined) throw new JuteError(`transaction type ${code}`);
  return { type, ...(bodies[type] as Codec<object>).read(reader) } as TransactionBody;
};

const readPart = (reader: JuteReader): TransactionBody => {
  const code = reader.int();
  const bytes = reader.bytes();
  if (bytes === null) throw new JuteError('a step without record');
  return readBody(new JuteReader(bytes), code);
};

export const writeTransaction = (writer: JuteWriter, transaction: Transaction): void => {
  const { body, ...rest } = transaction;
  header.write(writer, { ...rest, type: opCodes[body.type] });
  writeBody(writer, body);
};

/** What follows the record (the tree digest ZooKeeper adds) is left alone. */
export const readTransaction = (bytes: Buffer): Transaction => {
  const reader = new JuteReader(bytes);
  const { type, ...rest } = header.read(reader);
  return { ...rest, body: readBody(reader, type) };
};
