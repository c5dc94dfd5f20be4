/**
 * ZooKeeper's operations as the shell uses them: paths are the user's (checked, the chroot put in front), an error is a
 * ZooKeeperError with the user's path, and reads that watch leave their watch armed.
 */
import { addChroot, stripChroot } from '../../zookeeper/chroot.ts';
import { ZooKeeperError } from '../../zookeeper/errors.ts';
import {
  type Codec,
  type JuteReader,
  type JuteWriter,
  long,
  record,
  textOrEmpty,
  type Value,
} from '../../zookeeper/jute.ts';
import { type MultiStep, multiRequest, multiResponse } from '../../zookeeper/multi-records.ts';
import { createFlags, requests, responses } from '../../zookeeper/records.ts';
import type { Acl, Stat } from '../../zookeeper/session.ts';
import { type WatcherType, type WatchKind, watcherTypes } from './armed-watches.ts';
import { checkPath } from './paths.ts';
import type { Operation, Outcome, ShellSession } from './session.ts';

const CONFIG_PATH = '/zookeeper/config';

export type CreateFlag = keyof typeof createFlags;

/** A string that may be absent; not the same as an empty one here. */
const textOrNull: Codec<string | null> = {
  read: (reader: JuteReader) => reader.text(),
  write: (writer: JuteWriter, value) => writer.text(value),
};

const reconfigRequest = record({
  joiningServers: textOrNull,
  leavingServers: textOrNull,
  newMembers: textOrNull,
  configId: long,
});

/** Creations are answered with a path, and some with a stat behind it, which is not of interest. */
const createdPath = record({ path: textOrEmpty });

type Plain = keyof typeof requests & keyof typeof responses;

export interface NodeData {
  readonly data: Buffer | null;
  readonly stat: Stat;
}

export class ShellClient {
  readonly #session: ShellSession;
  readonly #chroot: string;

  constructor(session: ShellSession, chroot: string) {
    this.#session = session;
    this.#chroot = chroot;
  }

  /** The node's stat, null when it is absent; a watch is armed in either case. */
  async exists(path: string, watch = false): Promise<Stat | null> {
    const server = this.#server(path);
    const outcome = await this.#session.call(
      plain('exists'),
      { path: server, watch },
      ({ isOk }) => {
        if (watch) this.#session.watches.arm(isOk ? 'data' : 'exist', server);
      },
    );
    if (!outcome.isOk && outcome.code === 'NO_NODE') return null;
    return replyOf(outcome, path).stat;
  }

  getData(path: string, watch = false): Promise<NodeData> {
    const body = { path: this.#server(path), watch };
    return this.#call('getData', body, path, watch ? 'data' : null);
  }

  /** The children, sorted by name. */
  async getChildren(
    path: string,
    watch = false,
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }> {
    const body = { path: this.#server(path), watch };
    const { children, stat } = await this.#call('getChildren2', body, path, watch ? 'child' : null);
    return { children: [...children].sort(), stat };
  }

  /** The ensemble's configuration, which is outside of any chroot. */
  getConfig(watch: boolean): Promise<NodeData> {
    return this.#call('getData', { path: CONFIG_PATH, watch }, CONFIG_PATH, watch ? 'data' : null);
  }

  /** Returns the path made, with its sequence number. `ttlMs` goes with the two modes that live so long. */
  async create(
    path: string,
    data: Buffer | null,
    options: { readonly acl: readonly Acl[]; readonly mode: CreateFlag; readonly ttlMs: bigint },
  ): Promise<string> {
    const { acl, mode, ttlMs } = options;
    const isSequential = mode.includes('sequential');
    checkPath(isSequential ? `${path}1` : path);
    if (acl.length === 0) throw new ZooKeeperError('INVALID_ACL');
    const body = { path: addChroot(this.#chroot, path), data, acl, flags: createFlags[mode] };
    const outcome = mode.includes('ttl')
      ? await this.#session.call(
          { name: 'createTtl', request: requests.createTtl, response: createdPath },
          { ...body, ttl: ttlMs },
        )
      : await this.#session.call(
          {
            name: mode === 'container' ? 'createContainer' : 'create',
            request: requests.create,
            response: createdPath,
          },
          body,
        );
    return stripChroot(this.#chroot, replyOf(outcome, path).path);
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.#call('delete', { path: this.#server(path), version }, path);
  }

  /** Deletes all or nothing; false when the server has refused. */
  async deleteTogether(paths: readonly string[]): Promise<boolean> {
    const steps = paths.map(
      (path): MultiStep => ({
        type: 'delete',
        request: { path: this.#server(path), version: -1 },
      }),
    );
    const outcome = await this.#session.call(
      { name: 'multi', request: multiRequest, response: multiResponse },
      steps,
    );
    return outcome.isOk && outcome.reply.every(({ type }) => type !== 'error');
  }

  async setData(path: string, data: Buffer, version = -1): Promise<Stat> {
    return (await this.#call('setData', { path: this.#server(path), data, version }, path)).stat;
  }

  getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }> {
    return this.#call('getAcl', { path: this.#server(path) }, path);
  }

  async setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    const body = { path: this.#server(path), acl, version };
    if (acl.length === 0) throw new ZooKeeperError('INVALID_ACL');
    return (await this.#call('setAcl', body, path)).stat;
  }

  async sync(path: string): Promise<void> {
    await this.#call('sync', { path: this.#server(path) }, path);
  }

  /** The session's own ephemeral nodes below `path`. */
  async getEphemerals(path: string): Promise<string[]> {
    const { paths } = await this.#call('getEphemerals', { prefixPath: this.#server(path) }, path);
    return paths.map((one) => stripChroot(this.#chroot, one));
  }

  async getAllChildrenNumber(path: string): Promise<number> {
    return (await this.#call('getAllChildrenNumber', { path: this.#server(path) }, path)).count;
  }

  async whoAmI(): Promise<readonly { readonly scheme: string; readonly user: string }[]> {
    return (await this.#call('whoAmI', {})).identities;
  }

  async addWatch(path: string, kind: 'persistent' | 'recursive'): Promise<void> {
    const mode = kind === 'persistent' ? 0 : 1;
    await this.#call('addWatch', { path: this.#server(path), mode }, path, kind);
  }

  /**
   * Removes the watches of a path here and at the server; the names of the events that tell of it. `isLocal`: here at
   * least, when there is no connection.
   */
  async removeWatches(path: string, type: WatcherType, isLocal: boolean): Promise<string[]> {
    const server = this.#server(path);
    let events: string[] = [];
    const body = { path: server, type: watcherTypes[type] };
    const outcome = await this.#session.call(plain('removeWatches'), body, (answer) => {
      if (answer.isOk || (isLocal && answer.code === 'CONNECTION_LOSS')) {
        events = this.#session.watches.remove(type, server);
      }
    });
    if (events.length === 0) {
      replyOf(outcome, path);
      throw new ZooKeeperError('NO_WATCHER', path);
    }
    return events;
  }

  /** Changes the ensemble; the new configuration. */
  async reconfigure(change: Value<typeof reconfigRequest>): Promise<NodeData> {
    return replyOf(
      await this.#session.call(
        { name: 'reconfig', request: reconfigRequest, response: responses.getData },
        change,
      ),
    );
  }

  addAuth(scheme: string, auth: Buffer | null): void {
    this.#session.addAuth(scheme, auth);
  }

  #server(path: string): string {
    checkPath(path);
    return addChroot(this.#chroot, path);
  }

  async #call<P extends Plain>(
    name: P,
    body: Value<(typeof requests)[P]>,
    path?: string,
    watch: WatchKind | null = null,
  ): Promise<Value<(typeof responses)[P]>> {
    const outcome = await this.#session.call(plain(name), body, ({ isOk }) => {
      const { path: server } = body as { readonly path?: string };
      if (isOk && watch !== null && server !== undefined) {
        this.#session.watches.arm(watch, server);
      }
    });
    return replyOf(outcome, path);
  }
}

/** Both codecs of an operation; the table's types say that they belong together. */
const plain = <P extends Plain>(
  name: P,
): Operation<Value<(typeof requests)[P]>, Value<(typeof responses)[P]>> => ({
  name,
  request: requests[name] as Codec<Value<(typeof requests)[P]>>,
  response: responses[name] as unknown as Codec<Value<(typeof responses)[P]>>,
});

const replyOf = <R>(outcome: Outcome<R>, path?: string): R => {
  if (outcome.isOk) return outcome.reply;
  throw new ZooKeeperError(outcome.code, path);
};
