/**
 * The connect string `host1:port1,host2:port2/chroot` (ZooKeeper's ConnectStringParser; `zookeeper.connect`):
 * the chroot stands once, at the end, for the whole list; ports default to 2181; IPv6 addresses stand in brackets.
 * Names are not resolved here.
 */
import { ZooKeeperError } from './errors.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConnectString {
  readonly servers: readonly ServerAddress[];
  /** Without a trailing slash; empty when there is none (`/` alone is none, too). */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;
const PORT_MAX = 65535;

/** Takes a connect string apart; throws BAD_ARGUMENTS for one that names no server or a senseless port or path. */
export const parseConnectString = (text: string): ConnectString => {
  const slash = text.indexOf('/');
  const list = slash === -1 ? text : text.slice(0, slash);
  const chroot = slash === -1 ? '' : text.slice(slash);
  const servers = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseServer(part, text));
  if (servers.length === 0) throw new ZooKeeperError('BAD_ARGUMENTS', text);
  if (chroot === '' || chroot === '/') return { servers, chroot: '' };
  const components = chroot.slice(1).split('/');
  if (components.some((name) => name === '' || name === '.' || name === '..')) {
    throw new ZooKeeperError('BAD_ARGUMENTS', text);
  }
  return { servers, chroot };
};

const parseServer = (part: string, text: string): ServerAddress => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(part);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (host === undefined || port < 1 || port > PORT_MAX) {
    throw new ZooKeeperError('BAD_ARGUMENTS', text);
  }
  return { host, port };
};
