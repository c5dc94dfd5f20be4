/** All conformance cases, area by area. */
import { aclCases } from './acl.ts';
import type { Case } from './case.ts';
import { createCases } from './create.ts';
import { dataCases } from './data.ts';
import { deleteCases } from './delete.ts';
import { expiringNodeCases } from './expiring-nodes.ts';
import { firstCases } from './first.ts';
import { hostileCases } from './frames.ts';
import { lastingWatchCases } from './lasting-watches.ts';
import { mixtureCases } from './mixtures.ts';
import { multiCases } from './multi.ts';
import { pathCases } from './paths.ts';
import { quotaCases } from './quotas.ts';
import { restoredWatchCases } from './restored-watches.ts';
import { sequenceCases } from './sequences.ts';
import { sessionsCases } from './sessions.ts';
import { watchCases } from './watches.ts';

/** Those that need an untouched server come first. */
export const cases: readonly Case[] = [
  ...firstCases,
  ...createCases,
  ...deleteCases,
  ...dataCases,
  ...pathCases,
  ...sequenceCases,
  ...aclCases,
  ...multiCases,
  ...watchCases,
  ...lastingWatchCases,
  ...restoredWatchCases,
  ...sessionsCases,
  ...mixtureCases,
  ...hostileCases,
  ...expiringNodeCases,
  ...quotaCases,
];
