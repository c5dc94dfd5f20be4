/**
 * Who may do what: checks of access lists, their validation, and the schemes world, ip, digest and auth
 * (ZooKeeper 3.8's built-in providers; sasl and x509 are not offered). Pure.
 */
import { createHash } from 'node:crypto';
import { permissions } from '../records.ts';
import type { Acl } from '../session.ts';

/** What a connection has shown itself to be; every connection has its address. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** Whether one of `identities` has one of the `wanted` permissions. An empty list allows everything. */
export const isAllowed = (
  acl: readonly Acl[],
  wanted: number,
  identities: readonly Identity[],
): boolean => {
  if (acl.length === 0 || identities.some(({ scheme }) => scheme === 'super')) return true;
  return acl.some((entry) => (entry.permissions & wanted) !== 0 && matchesAny(entry, identities));
};

const matchesAny = (entry: Acl, identities: readonly Identity[]): boolean => {
  if (entry.scheme === 'world') return entry.id === 'anyone';
  return identities.some(
    ({ scheme, id }) =>
      scheme === entry.scheme && (scheme === 'ip' ? isInNetwork(id, entry.id) : id === entry.id),
  );
};

/** The list as it is stored: `auth` replaced by the caller's identities, no duplicates; null when it is not valid. */
export const resolveAcl = (
  acl: readonly Acl[],
  identities: readonly Identity[],
): readonly Acl[] | null => {
  const resolved = new Map<string, Acl>();
  for (const entry of acl) {
    const entries = resolveEntry(entry, identities);
    if (entries.length === 0) return null;
    for (const one of entries) resolved.set(`${one.permissions} ${one.scheme} ${one.id}`, one);
  }
  return resolved.size === 0 ? null : [...resolved.values()];
};

const resolveEntry = (entry: Acl, identities: readonly Identity[]): readonly Acl[] => {
  switch (entry.scheme) {
    case 'world':
      return entry.id === 'anyone' ? [entry] : [];
    case 'auth':
      return identities
        .filter(({ scheme }) => scheme !== 'ip' && scheme !== 'super')
        .map(({ scheme, id }) => ({ permissions: entry.permissions, scheme, id }));
    case 'digest':
      return isDigestId(entry.id) ? [entry] : [];
    case 'ip':
      return parseNetwork(entry.id) === null ? [] : [entry];
    default:
      return [];
  }
};

/** Two parts, of which the first may be empty; what follows the last colon counts only if there is something. */
const isDigestId = (id: string): boolean => /^[^:]*:[^:]+:*$/.test(id);

/** What getACL shows to who has no ADMIN permission: the hashes of digests are left out. */
export const maskAcl = (acl: readonly Acl[]): readonly Acl[] =>
  acl.map((entry) =>
    entry.scheme === 'digest' ? { ...entry, id: `${entry.id.split(':')[0]}:x` } : entry,
  );

/** The id of scheme digest for "user:password": the user, and the SHA-1 of both. */
export const digestOf = (credentials: Buffer): string => {
  const text = credentials.toString();
  const user = text.split(':', 1)[0] ?? '';
  return `${user}:${createHash('sha1').update(text).digest('base64')}`;
};

/** What an auth request proves; empty when the scheme is unknown. `superDigest` names the one who may do everything. */
export const authenticate = (
  scheme: string,
  credentials: Buffer | null,
  context: { readonly address: string; readonly superDigest: string | null },
): readonly Identity[] => {
  if (scheme === 'ip') return [{ scheme, id: context.address }];
  if (scheme !== 'digest' || credentials === null) return [];
  const id = digestOf(credentials);
  const own = [{ scheme, id }];
  return id === context.superDigest ? [...own, { scheme: 'super', id: '' }] : own;
};

/** The name whoAmI shows for an identity. */
export const userOf = ({ scheme, id }: Identity): string =>
  scheme === 'digest' ? (id.split(':')[0] ?? '') : id;

export const mayRead = (acl: readonly Acl[], identities: readonly Identity[]): boolean =>
  isAllowed(acl, permissions.read, identities);

/** As Java's parseInt: a sign and leading zeros are fine, blanks are not. */
const parseNumber = (text: string): number | null =>
  /^[+-]?\d+$/.test(text) ? Number(text) : null;

const parseAddress = (text: string): number | null => {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    const byte = parseNumber(part);
    if (byte === null || byte < 0 || byte > 255) return null;
    address = address * 256 + byte;
  }
  return address;
};

const parseNetwork = (text: string): { address: number; bits: number } | null => {
  const [host = '', bitsText = '32', ...rest] = text.split('/');
  const address = parseAddress(host);
  const bits = parseNumber(bitsText) ?? -1;
  return address === null || bits < 0 || bits > 32 || rest.length > 0 ? null : { address, bits };
};

const isInNetwork = (addressText: string, networkText: string): boolean => {
  const address = parseAddress(addressText);
  const network = parseNetwork(networkText);
  if (address === null || network === null) return false;
  const size = 2 ** (32 - network.bits);
  return Math.floor(address / size) === Math.floor(network.address / size);
};
