/**
 * The commands about quotas: setquota listquota delquota. A quota is a node below /zookeeper/quota that names limits; the
 * server counts in a node beside it.
 */
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import { parseQuota, type Quota, type QuotaField, quotaText } from '../../zookeeper/quota-text.ts';
import { openAcl } from '../../zookeeper/records.ts';
import { argOf, type Call, type Command, type Printer, parseInteger } from './call.ts';
import type { ShellClient } from './client.ts';
import { CommandFailure } from './failures.ts';
import { visitTree } from './walk.ts';

const QUOTA_ROOT = '/zookeeper/quota';
const LIMIT_NAME = 'zookeeper_limits';
const STAT_NAME = 'zookeeper_stats';

const limitPath = (path: string): string => `${QUOTA_ROOT}${path}/${LIMIT_NAME}`;
const statPath = (path: string): string => `${QUOTA_ROOT}${path}/${STAT_NAME}`;

const fieldOf: Readonly<Record<string, QuotaField>> = {
  n: 'count',
  b: 'bytes',
  N: 'countHardLimit',
  B: 'byteHardLimit',
};

const purposes = {
  n: 'num soft quota',
  b: 'bytes soft quota',
  N: 'num hard quota',
  B: 'bytes hard quota',
};

const setQuota: Command = {
  usage: '-n|-b|-N|-B val path',
  options: { n: true, b: true, N: true, B: true },
  exclusive: { purposes, isRequired: true },
  wordCountMin: 2,
  async run(call) {
    const path = argOf(call, 1);
    if (path.startsWith(QUOTA_ROOT)) {
      return call.printer.err(`cannot set a quota under the path: ${QUOTA_ROOT}\n`);
    }
    const limit = limitOf(call);
    if (limit !== null) await putQuota(call, path, limit);
  },
};

interface Limit {
  readonly field: QuotaField;
  readonly value: bigint;
}

/** The limit that is asked for; null when it makes no sense, which has been told then. */
const limitOf = ({ options, printer }: Call): Limit | null => {
  const [[name, text] = ['', '']] = options;
  const counts = name === 'n' || name === 'N';
  let value: bigint;
  try {
    value = parseInteger(text, { bits: counts ? 32 : 64 });
  } catch {
    printer.err('NumberFormatException happens when parsing the option value\n');
    return null;
  }
  if (value < 0n || (counts && value === 0n)) {
    printer.err(
      counts
        ? 'the num quota must be greater than zero\n'
        : 'the bytes quota must be greater than or equal to zero\n',
    );
    return null;
  }
  return { field: fieldOf[name] as QuotaField, value };
};

const putQuota = async ({ client, printer }: Call, path: string, limit: Limit): Promise<void> => {
  if ((await client.exists(path)) === null) throw new CommandFailure(`${path} does not exist.`);
  await checkBelow(client, path);
  await checkAbove(client, path);
  await makeParents(client, path);
  const isNew = (await client.exists(limitPath(path))) === null;
  const fresh = { count: -1n, bytes: -1n, countHardLimit: -1n, byteHardLimit: -1n };
  if (isNew) {
    await createNode(client, limitPath(path), quotaText({ ...fresh, [limit.field]: limit.value }));
    await createNode(client, statPath(path), quotaText({ count: 0n, bytes: 0n }));
  }
  const quota = { ...(await readQuota(client, limitPath(path))), [limit.field]: limit.value };
  warnOfExcess(quota, await readQuota(client, statPath(path)), printer);
  if (!isNew) await client.setData(limitPath(path), Buffer.from(quotaText(quota)));
};

const createNode = async (
  client: ShellClient,
  path: string,
  text: string | null,
): Promise<void> => {
  const data = text === null ? null : Buffer.from(text);
  await client.create(path, data, { acl: openAcl, mode: 'persistent', ttlMs: 0n });
};

/** The nodes between the root of quotas and that of `path`. */
const makeParents = async (client: ShellClient, path: string): Promise<void> => {
  const missing = [...ancestorsOf(path), path].map((one) => QUOTA_ROOT + one);
  for (const node of ['/zookeeper', QUOTA_ROOT, ...missing]) {
    if ((await client.exists(node)) !== null) continue;
    try {
      await createNode(client, node, null);
    } catch (error) {
      if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    }
  }
};

/** The paths above `path`, without the root: /a and /a/b for /a/b/c. */
const ancestorsOf = (path: string): string[] => {
  const names = path.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
};

const childrenOrNone = async (client: ShellClient, path: string): Promise<readonly string[]> => {
  try {
    return (await client.getChildren(path)).children;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return [];
    throw error;
  }
};

const checkBelow = async (client: ShellClient, path: string): Promise<void> => {
  const own = QUOTA_ROOT + path;
  try {
    await visitTree(client, own, false, async (at) => {
      if (at === own || !(await childrenOrNone(client, at)).includes(LIMIT_NAME)) return;
      const other = at.slice(QUOTA_ROOT.length);
      throw new CommandFailure(`${path} has a child ${other} which has a quota`);
    });
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
  }
};

const checkAbove = async (client: ShellClient, path: string): Promise<void> => {
  for (const other of ancestorsOf(path)) {
    const children = await childrenOrNone(client, QUOTA_ROOT + other);
    if (children.length === 0) return;
    if (!children.includes(LIMIT_NAME)) continue;
    throw new CommandFailure(`${path} has a parent ${other} which has a quota`);
  }
};

const readQuota = async (client: ShellClient, path: string): Promise<Quota> =>
  parseQuota((await client.getData(path)).data?.toString('utf8') ?? '');

const warnOfExcess = (quota: Quota, used: Quota, printer: Printer): void => {
  const exceeds = (limit: bigint | undefined, value: bigint | undefined): boolean =>
    (limit ?? -1n) > -1n && (limit ?? -1n) < (value ?? -1n);
  if (exceeds(quota.count, used.count) || exceeds(quota.countHardLimit, used.count)) {
    printer.out(
      `[Warning]: the count quota you create is less than the existing count:${used.count}\n`,
    );
  }
  if (exceeds(quota.bytes, used.bytes) || exceeds(quota.byteHardLimit, used.bytes)) {
    printer.out(
      `[Warning]: the bytes quota you create is less than the existing bytes:${used.bytes}\n`,
    );
  }
};

/** Says so when the path has no quota. */
const orSayNone = async (call: Call, run: () => Promise<void>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
    call.printer.err(`quota for ${argOf(call, 1)} does not exist.\n`);
  }
};

const listQuota: Command = {
  usage: 'path',
  wordCountMin: 2,
  run(call) {
    const { client, printer } = call;
    const path = argOf(call, 1);
    printer.err(`absolute path is ${limitPath(path)}\n`);
    return orSayNone(call, async () => {
      const quota = await readQuota(client, limitPath(path));
      const used = await readQuota(client, statPath(path));
      printer.out(`Output quota for ${path} ${quotaText(quota)}\n`);
      printer.out(`Output stat for ${path} ${quotaText(used)}\n`);
    });
  },
};

const delQuota: Command = {
  usage: '[-n|-b|-N|-B] path',
  options: { n: false, b: false, N: false, B: false },
  exclusive: { purposes, isRequired: false },
  wordCountMin: 2,
  run(call) {
    const { client, printer, options } = call;
    const path = argOf(call, 1);
    return orSayNone(call, async () => {
      if ((await client.exists(limitPath(path))) === null) {
        return printer.out(`Quota does not exist for ${path}\n`);
      }
      const quota = await readQuota(client, limitPath(path));
      const [name] = options.keys();
      if (name === undefined) return removeQuota(client, QUOTA_ROOT + path);
      const text = quotaText({ ...quota, [fieldOf[name] as QuotaField]: -1n });
      await client.setData(limitPath(path), Buffer.from(text));
    });
  },
};

/** Removes a quota's nodes, and those above that are of no use any more. */
const removeQuota = async (client: ShellClient, path: string): Promise<void> => {
  const { children } = await client.getChildren(path);
  for (const child of children) await client.delete(`${path}/${child}`);
  for (let at = path; at !== QUOTA_ROOT; at = at.slice(0, at.lastIndexOf('/'))) {
    if ((await client.getChildren(at)).children.length > 0) return;
    await client.delete(at);
  }
};

export const quotaCommands = { setquota: setQuota, listquota: listQuota, delquota: delQuota };
