/**
 * Whether a history of reads and writes of znodes is linearizable. Versions make that simple: they put the operations on one
 * node in order, so what is left to check is that the order agrees with real time, and every version with one value.
 */

import { groupBy } from '../../system/group-by.ts';

export interface RegisterOperation {
  readonly path: string;
  readonly type: 'read' | 'write';
  readonly value: string;
  /** What the write made of it, or the read found. */
  readonly version: number;
  readonly mzxid: bigint;
  /** When it was asked for and answered, by one clock for all. */
  readonly startMs: number;
  readonly endMs: number;
}

/** A sentence for each thing that cannot be; empty for a history that is linearizable. */
export const violationsOf = (history: readonly RegisterOperation[]): string[] => {
  const byPath = groupBy(history, ({ path }) => path);
  return [
    ...[...byPath.values()].flatMap((ofPath) => [
      ...valueViolations(ofPath),
      ...orderViolations(ofPath),
    ]),
    ...zxidViolations(history),
  ];
};

const describe = ({
  type,
  path,
  value,
  version,
  mzxid,
  startMs,
  endMs,
}: RegisterOperation): string =>
  `${type} of ${path} "${value}" version ${version} zxid ${mzxid} (${startMs.toFixed(1)}-${endMs.toFixed(1)})`;

/** A version has one value, is made by one write, and comes with one zxid that grows with it. */
const valueViolations = (history: readonly RegisterOperation[]): string[] => {
  const violations: string[] = [];
  const byVersion = new Map<number, RegisterOperation>();
  const writers = new Map<number, RegisterOperation>();
  for (const operation of history) {
    const other = byVersion.get(operation.version);
    byVersion.set(operation.version, operation);
    if (other !== undefined && (other.value !== operation.value || other.mzxid !== operation.mzxid))
      violations.push(`${describe(operation)}, but ${describe(other)}`);
    if (operation.type === 'read') continue;
    const writer = writers.get(operation.version);
    if (writer !== undefined)
      violations.push(`${describe(operation)} made the version of ${describe(writer)}`);
    writers.set(operation.version, operation);
  }
  const ordered = [...byVersion.values()].sort((a, b) => a.version - b.version);
  for (const [index, operation] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next !== undefined && next.mzxid <= operation.mzxid)
      violations.push(`${describe(next)} has a zxid below that of ${describe(operation)}`);
  }
  return violations;
};

/** What began after another had ended sees what that one saw, or later; a write makes something later. */
const orderViolations = (history: readonly RegisterOperation[]): string[] =>
  laterThanEnded(history, (operation, ended) =>
    operation.type === 'write'
      ? operation.version > ended.version
      : operation.version >= ended.version,
  )((a, b) => (a.version > b.version ? a : b));

/** No zxid is given twice, whatever the node. */
const zxidViolations = (history: readonly RegisterOperation[]): string[] => {
  const writes = history.filter(({ type }) => type === 'write');
  return laterThanEnded(
    writes,
    (operation, ended) => operation.mzxid > ended.mzxid,
  )((a, b) => (a.mzxid > b.mzxid ? a : b));
};

/** Compares each operation with the furthest of those that had ended when it began. */
const laterThanEnded =
  (
    history: readonly RegisterOperation[],
    isLater: (operation: RegisterOperation, ended: RegisterOperation) => boolean,
  ) =>
  (further: (a: RegisterOperation, b: RegisterOperation) => RegisterOperation): string[] => {
    const byStart = history.toSorted((a, b) => a.startMs - b.startMs);
    const byEnd = history.toSorted((a, b) => a.endMs - b.endMs);
    const violations: string[] = [];
    let furthest: RegisterOperation | null = null;
    let index = 0;
    for (const operation of byStart) {
      for (; index < byEnd.length; index++) {
        const ended = byEnd[index] as RegisterOperation;
        if (ended.endMs >= operation.startMs) break;
        furthest = furthest === null ? ended : further(furthest, ended);
      }
      if (furthest !== null && !isLater(operation, furthest))
        violations.push(`${describe(operation)} came after ${describe(furthest)} had ended`);
    }
    return violations;
  };
