/** A node's stat as the shell prints it (StatPrinter). */
import type { Stat } from '../../zookeeper/session.ts';

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

const zoneNames = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** `Sun Nov 22 05:19:45 UTC 2026`, in local time (java.util.Date). */
const dateText = (timeMs: number): string => {
  const date = new Date(timeMs);
  const zone = zoneNames.formatToParts(date).find(({ type }) => type === 'timeZoneName');
  const day = date.toDateString().slice(0, 10);
  const year = String(date.getFullYear()).padStart(4, '0');
  return `${day} ${date.toTimeString().slice(0, 8)} ${zone?.value ?? 'UTC'} ${year}`;
};

export const statText = (stat: Stat): string =>
  [
    `cZxid = ${hex(stat.czxid)}`,
    `ctime = ${dateText(stat.ctimeMs)}`,
    `mZxid = ${hex(stat.mzxid)}`,
    `mtime = ${dateText(stat.mtimeMs)}`,
    `pZxid = ${hex(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hex(stat.ephemeralOwner)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
    '',
  ].join('\n');
