/** Who may do what with the nodes a broker makes where zookeeper.set.acl is on (ZkData.defaultAcls). */
import { openAcl } from './records.ts';
import type { Acl } from './session.ts';

const ALL = 31;
const READ = 1;

/** Written by whoever has logged in as the creator has; a session without a login cannot make such nodes. */
const creatorAcl: Acl = { permissions: ALL, scheme: 'auth', id: '' };
const worldReadAcl: Acl = { permissions: READ, scheme: 'world', id: 'anyone' };

/** Nodes whose content is nobody else's business: passwords and what stands for them. */
const sensitive = ['/config/users', '/config/brokers', '/delegation_token/tokens'];

/** The access list of a node by its path, without chroot. */
export const secureAclOf = (path: string): readonly Acl[] => {
  // Old consumers, which know no login, keep their offsets there.
  if (path === '/consumers') return openAcl;
  if (sensitive.some((prefix) => path.startsWith(prefix))) return [creatorAcl];
  return [creatorAcl, worldReadAcl];
};
