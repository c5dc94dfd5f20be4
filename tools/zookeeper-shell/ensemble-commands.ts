/** The commands about the ensemble and this program: config reconfig version. */
import { type Call, type Command, parseInteger } from './call.ts';
import { CommandFailure } from './failures.ts';
import { statText } from './stat.ts';

/** The release whose shell this one follows. */
const VERSION = '3.8.4-9316c2a7a97e1666d8f4593f34dd6fc36ecc436c, built on 2024-02-12 22:16 UTC';

const config: Command = {
  usage: '[-c] [-w] [-s]',
  options: { s: false, w: false, c: false },
  async run({ client, printer, options }) {
    const { data, stat } = await client.getConfig(options.has('w'));
    const text = data?.toString('utf8') ?? 'null';
    printer.out(`${options.has('c') ? clientAddresses(text) : text}\n`);
    if (options.has('s')) printer.out(statText(stat));
  },
};

/** `host:port,host:port version` for clients, from lines `server.1=host:port:port:role;host:port`. */
const clientAddresses = (text: string): string => {
  const addresses: string[] = [];
  let version = '';
  for (const line of text.split('\n')) {
    const [key = '', value = ''] = line.split('=', 2);
    if (key === 'version') version = value;
    const [server = '', client] = value.split(';', 2);
    if (!key.startsWith('server.') || client === undefined) continue;
    addresses.push(client.includes(':') ? client : `${server.split(':', 1)[0]}:${client}`);
  }
  return `${addresses.join(',')} ${version}`;
};

const RECONFIG_USAGE =
  '[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | [-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]';

const reconfig: Command = {
  usage: RECONFIG_USAGE,
  options: { s: false, v: true, file: true, members: true, add: true, remove: true },
  async run(call) {
    const { client, printer, options } = call;
    const isWhole = options.has('file') || options.has('members');
    const isStepwise = options.has('add') || options.has('remove');
    if (!isWhole && !isStepwise) throw new CommandFailure(`reconfig ${RECONFIG_USAGE}`);
    const configId = configIdOf(options.get('v'));
    if (isWhole && isStepwise) {
      throw new CommandFailure(
        "Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)",
      );
    }
    if (options.has('file') && options.has('members')) {
      throw new CommandFailure(
        "Can't use -file and -members together (conflicting non-incremental modes)",
      );
    }
    const { data, stat } = await client.reconfigure({
      joiningServers: options.get('add')?.toLowerCase() ?? null,
      leavingServers: options.get('remove')?.toLowerCase() ?? null,
      newMembers: await membersOf(call),
      configId,
    });
    printer.out(`Committed new configuration:\n${data?.toString('utf8') ?? ''}\n`);
    if (options.has('s')) printer.out(statText(stat));
  },
};

const configIdOf = (text: string | undefined): bigint => {
  if (text === undefined) return -1n;
  try {
    return parseInteger(text, { bits: 64, radix: 16 });
  } catch {
    throw new CommandFailure('-v must be followed by a long (configuration version)');
  }
};

/** The servers of -members, or the lines of a configuration file that name servers. */
const membersOf = async ({ options, readFile }: Call): Promise<string | null> => {
  const file = options.get('file');
  if (file === undefined) return options.get('members')?.toLowerCase() ?? null;
  const text = await readFile(file);
  if (text === null) {
    throw new CommandFailure(`Error processing ${file}${file} (No such file or directory)`);
  }
  const servers = text
    .toString('utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('server.'));
  if (servers.length === 0)
    throw new CommandFailure(`Error processing ${file}: it names no server`);
  return servers.join('\n');
};

const version: Command = {
  usage: '',
  wordCountMax: 1,
  run({ printer }) {
    printer.out(`ZooKeeper CLI version: ${VERSION}\n`);
  },
};

export const ensembleCommands = { config, reconfig, version };
