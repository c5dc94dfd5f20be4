/** The values of node-zookeeper-client turned into ours and back: its longs are 8-byte buffers. */
import zookeeper, {
  type ACL,
  type PackageStat,
  type TransactionOp,
  type TransactionResult,
} from 'node-zookeeper-client';
import { createFlags, opCodes, openAcl } from './records.ts';
import type { Acl, Operation, OperationResult, Stat } from './session.ts';

export const statOf = (stat: PackageStat): Stat => ({
  czxid: stat.czxid.readBigInt64BE(0),
  mzxid: stat.mzxid.readBigInt64BE(0),
  ctimeMs: Number(stat.ctime.readBigInt64BE(0)),
  mtimeMs: Number(stat.mtime.readBigInt64BE(0)),
  version: stat.version,
  cversion: stat.cversion,
  aversion: stat.aversion,
  ephemeralOwner: stat.ephemeralOwner.readBigInt64BE(0),
  dataLength: stat.dataLength,
  numChildren: stat.numChildren,
  pzxid: stat.pzxid.readBigInt64BE(0),
});

export const packageAcl = (acl: readonly Acl[]): ACL[] =>
  acl.map(
    ({ permissions, scheme, id }) => new zookeeper.ACL(permissions, new zookeeper.Id(scheme, id)),
  );

export const plainAcl = ({ permission, id }: ACL): Acl => ({
  permissions: permission,
  scheme: id.scheme,
  id: id.id,
});

export const transactionOp = (step: Operation): TransactionOp => {
  const { path } = step;
  switch (step.type) {
    case 'create': {
      const acls = packageAcl(step.acl ?? openAcl);
      const mode = createFlags[step.mode ?? 'persistent'];
      return { type: opCodes.create, path, data: step.data, acls, mode };
    }
    case 'delete':
      return { type: opCodes.delete, path, version: step.version };
    case 'setData':
      return { type: opCodes.setData, path, data: step.data, version: step.version };
    case 'check':
      return { type: opCodes.check, path, version: step.version };
  }
};

/** The results of a multi that was applied. */
export const multiResultsOf = (results: readonly TransactionResult[]): OperationResult[] =>
  results.map(({ type, path, stat }) => {
    if (type === opCodes.create && path !== undefined) return { type: 'create', path };
    if (type === opCodes.setData && stat !== undefined) {
      return { type: 'setData', stat: statOf(stat) };
    }
    return { type: type === opCodes.delete ? 'delete' : 'check' };
  });
