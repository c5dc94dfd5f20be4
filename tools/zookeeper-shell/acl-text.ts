/** Access lists as text: `scheme:id:permissions`, several with commas between (AclParser). */
import { permissions } from '../../zookeeper/records.ts';
import type { Acl } from '../../zookeeper/session.ts';
import type { Printer } from './call.ts';

/** In the order in which they are shown. */
const letters = {
  c: permissions.create,
  d: permissions.delete,
  r: permissions.read,
  w: permissions.write,
  a: permissions.admin,
} as const;

export const permissionText = (bits: number): string =>
  Object.entries(letters)
    .filter(([, bit]) => (bits & bit) !== 0)
    .map(([letter]) => letter)
    .join('');

/** The entries of a list; what makes no sense is told and left out. */
export const parseAcl = (text: string, printer: Printer): Acl[] => {
  const list: Acl[] = [];
  for (const entry of text.replace(/,+$/, '').split(',')) {
    const first = entry.indexOf(':');
    const last = entry.lastIndexOf(':');
    if (first === last) {
      printer.err(`${entry} does not have the form scheme:id:perm\n`);
      continue;
    }
    list.push({
      scheme: entry.slice(0, first),
      id: entry.slice(first + 1, last),
      permissions: parsePermissions(entry.slice(last + 1), printer),
    });
  }
  return list;
};

const parsePermissions = (text: string, printer: Printer): number => {
  let bits = 0;
  for (const letter of text) {
    const bit = (letters as Readonly<Record<string, number>>)[letter];
    if (bit === undefined) printer.err(`Unknown perm type: ${letter}\n`);
    else bits |= bit;
  }
  return bits;
};
