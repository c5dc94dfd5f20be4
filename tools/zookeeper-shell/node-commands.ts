/** The commands that read and write nodes: ls get stat sync, create set delete deleteall. */
import { isZooKeeperError, ZooKeeperError, zooKeeperCodes } from '../../zookeeper/errors.ts';
import { openAcl } from '../../zookeeper/records.ts';
import { parseAcl } from './acl-text.ts';
import { argOf, type Call, type Command, parseInteger, versionOf } from './call.ts';
import type { CreateFlag } from './client.ts';
import { CommandFailure, keeperMessage } from './failures.ts';
import { statText } from './stat.ts';
import { listTree, visitTree } from './walk.ts';

/** The largest lifetime that an owner's id can hold. */
const TTL_MS_MAX = 0xff_ffff_ffffn;
const DELETE_BATCH_COUNT = 1000;

const ls: Command = {
  usage: '[-s] [-w] [-R] path',
  options: { '?': false, s: false, w: false, R: false },
  hasOldWatchForm: true,
  wordCountMin: 2,
  before({ options, printer }) {
    if (!options.has('?')) return;
    const lines = ['usage: ls [options] path', ' -?   help', ' -R   recurse'];
    printer.out([...lines, ' -s   stat', ' -w   watch', ''].join('\n'));
  },
  async run(call) {
    const { client, printer, options } = call;
    const path = argOf(call, 1);
    const watch = options.has('w');
    if (options.has('R')) return visitTree(client, path, watch, (one) => printer.out(`${one}\n`));
    const { children, stat } = await client.getChildren(path, watch);
    printer.out(`[${children.join(', ')}]\n`);
    if (options.has('s')) printer.out(statText(stat));
  },
};

const get: Command = {
  usage: '[-s] [-w] path',
  options: { s: false, w: false },
  hasOldWatchForm: true,
  wordCountMin: 2,
  async run(call) {
    const { client, printer, options } = call;
    const { data, stat } = await client.getData(argOf(call, 1), options.has('w'));
    printer.out(`${data?.toString('utf8') ?? 'null'}\n`);
    if (options.has('s')) printer.out(statText(stat));
  },
};

const stat: Command = {
  usage: '[-w] path',
  options: { w: false },
  hasOldWatchForm: true,
  wordCountMin: 2,
  async run(call) {
    const path = argOf(call, 1);
    const found = await call.client.exists(path, call.options.has('w'));
    if (found === null) throw new CommandFailure(`Node does not exist: ${path}`);
    call.printer.out(statText(found));
  },
};

const sync: Command = {
  usage: 'path',
  wordCountMin: 2,
  async run(call) {
    try {
      await call.client.sync(argOf(call, 1));
      call.printer.out('Sync is OK\n');
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error;
      call.printer.out(`Sync has failed. rc=${zooKeeperCodes[error.code]}\n`);
    }
  },
};

const create: Command = {
  usage: '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
  options: { e: false, s: false, c: false, t: true },
  wordCountMin: 2,
  async run(call) {
    const { client, printer, args } = call;
    const { mode, ttlMs } = creationOf(call);
    const data = args[2] === undefined ? null : Buffer.from(args[2]);
    const acl = args[3] === undefined ? openAcl : parseAcl(args[3], printer);
    try {
      const path = await client.create(argOf(call, 1), data, { acl, mode, ttlMs });
      printer.err(`Created ${path}\n`);
    } catch (error) {
      if (isZooKeeperError(error, 'EPHEMERAL_ON_LOCAL_SESSION')) {
        printer.err('Unable to create ephemeral node on a local session\n');
      }
      if (error instanceof ZooKeeperError && error.code === 'INVALID_ACL')
        printer.err(`${keeperMessage(error)}\n`);
      throw error;
    }
  },
};

const creationOf = ({ options }: Call): { mode: CreateFlag; ttlMs: bigint } => {
  const isEphemeral = options.has('e');
  const isSequential = options.has('s');
  const isContainer = options.has('c');
  const ttl = options.get('t');
  if (isContainer && (isEphemeral || isSequential)) {
    throw new CommandFailure(
      '-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.',
    );
  }
  const ttlMs = ttl === undefined ? 0n : ttlOf(ttl);
  if (ttl !== undefined) {
    if (isEphemeral) throw new CommandFailure('TTLs cannot be used with Ephemeral znodes');
    if (isContainer) throw new CommandFailure('TTLs cannot be used with Container znodes');
    if (ttlMs <= 0n || ttlMs > TTL_MS_MAX) {
      throw new CommandFailure(`ttl must be positive and cannot be larger than: ${TTL_MS_MAX}`);
    }
    return { mode: isSequential ? 'persistent-sequential-ttl' : 'persistent-ttl', ttlMs };
  }
  if (isContainer) return { mode: 'container', ttlMs };
  if (isEphemeral) return { mode: isSequential ? 'ephemeral-sequential' : 'ephemeral', ttlMs };
  return { mode: isSequential ? 'persistent-sequential' : 'persistent', ttlMs };
};

const ttlOf = (text: string): bigint => {
  try {
    return parseInteger(text, { bits: 64 });
  } catch {
    throw new CommandFailure('-t argument must be a long value');
  }
};

const set: Command = {
  usage: '[-s] [-v version] path data',
  options: { s: false, v: true },
  wordCountMin: 3,
  async run(call) {
    const data = Buffer.from(argOf(call, 2));
    const changed = await call.client.setData(argOf(call, 1), data, versionOf(call));
    if (call.options.has('s')) call.printer.out(statText(changed));
  },
};

const deleteNode: Command = {
  usage: '[-v version] path',
  options: { v: true },
  wordCountMin: 2,
  async run(call) {
    if (call.args.length > 2) {
      call.printer.err(
        "'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead.\n",
      );
    }
    await call.client.delete(argOf(call, 1), versionOf(call));
  },
};

const deleteAll: Command = {
  usage: 'path [-b batch size]',
  options: { b: true },
  wordCountMin: 2,
  async run(call) {
    const batchCount = batchCountOf(call.options.get('b'));
    const { client } = call;
    const paths = (await listTree(client, argOf(call, 1))).reverse();
    if (batchCount <= 0) {
      for (const path of paths) await client.delete(path);
      return;
    }
    for (let start = 0; start < paths.length; start += batchCount) {
      if (await client.deleteTogether(paths.slice(start, start + batchCount))) continue;
      return call.printer.err('Failed to delete some node(s) in the subtree!\n');
    }
  },
};

const batchCountOf = (text: string | undefined): number => {
  if (text === undefined) return DELETE_BATCH_COUNT;
  try {
    return Number(parseInteger(text));
  } catch {
    throw new CommandFailure('-b argument must be an int value');
  }
};

export const nodeCommands = {
  ls,
  get,
  stat,
  sync,
  create,
  set,
  delete: deleteNode,
  deleteall: deleteAll,
};
