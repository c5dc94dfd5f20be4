/**
 * Which version of an API to speak with a peer: the highest that both sides know, within what the caller can use.
 * The exchange itself is in request-channel.ts.
 */
import type { Api } from '../protocol/apis.ts';
import { UnsupportedVersion } from './errors.ts';

export interface ApiRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** What a peer said it speaks, by API key. Null: it was not asked, and everything we know counts. */
export type PeerVersions = ReadonlyMap<number, ApiRange> | null;

/** The highest version in common; throws `UnsupportedVersion`. */
export const chooseVersion = (
  peer: PeerVersions,
  api: Api,
  limits: { readonly min?: number; readonly max?: number } = {},
): number => {
  const range = peer === null ? api : peer.get(api.key);
  const min = Math.max(range?.minVersion ?? 0, api.minVersion, limits.min ?? 0);
  const max = Math.min(range?.maxVersion ?? -1, api.maxVersion, limits.max ?? api.maxVersion);
  if (min <= max) return max;
  const peerText =
    range === undefined ? 'does not know it' : `speaks ${range.minVersion}-${range.maxVersion}`;
  throw new UnsupportedVersion(`no common version of ${api.name}: the peer ${peerText}`);
};
