/** ZooKeeper's short names of requests, which the word cons shows (Request.op2String). */
import { type OpName, opName } from '../records.ts';

const shortNames: Partial<Record<OpName, string>> = {
  create: 'CREA',
  create2: 'CREA',
  createContainer: 'CREA',
  createTtl: 'CREA',
  delete: 'DELE',
  exists: 'EXIS',
  getData: 'GETD',
  setData: 'SETD',
  getAcl: 'GETA',
  setAcl: 'SETA',
  getChildren: 'GETC',
  getChildren2: 'GETC',
  sync: 'SYNC',
  ping: 'PING',
  multi: 'MULT',
  multiRead: 'MLTR',
  setWatches: 'SETW',
  setWatches2: 'STW2',
  addWatch: 'ADDW',
  closeSession: 'CLOS',
};

export const shortNameOf = (op: number): string => {
  const name = opName(op);
  return (name === undefined ? undefined : shortNames[name]) ?? 'NA';
};
