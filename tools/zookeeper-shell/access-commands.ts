/** The commands about who may do what: getAcl setAcl addauth whoami. */
import { ZooKeeperError } from '../../zookeeper/errors.ts';
import { parseAcl, permissionText } from './acl-text.ts';
import { argOf, type Command, versionOf } from './call.ts';
import { keeperMessage } from './failures.ts';
import { statText } from './stat.ts';
import { visitTree } from './walk.ts';

const getAcl: Command = {
  usage: '[-s] path',
  options: { s: false },
  wordCountMin: 2,
  async run(call) {
    const { client, printer, options } = call;
    const { acl, stat } = await client.getAcl(argOf(call, 1));
    for (const { scheme, id, permissions } of acl) {
      printer.out(`'${scheme},'${id}\n: ${permissionText(permissions)}\n`);
    }
    if (options.has('s')) printer.out(statText(stat));
  },
};

const setAcl: Command = {
  usage: '[-s] [-v version] [-R] path acl',
  options: { s: false, v: true, R: false },
  wordCountMin: 3,
  async run(call) {
    const { client, printer, options } = call;
    const path = argOf(call, 1);
    const acl = parseAcl(argOf(call, 2), printer);
    const version = versionOf(call);
    if (!options.has('R')) {
      const stat = await client.setAcl(path, acl, version);
      if (options.has('s')) printer.out(statText(stat));
      return;
    }
    await visitTree(client, path, false, async (one) => {
      try {
        await client.setAcl(one, acl, version);
      } catch (error) {
        if (!(error instanceof ZooKeeperError)) throw error;
        printer.out(keeperMessage(error));
      }
    });
  },
};

const addAuth: Command = {
  usage: 'scheme auth',
  wordCountMin: 2,
  run(call) {
    const [, , auth] = call.args;
    call.client.addAuth(argOf(call, 1), auth === undefined ? null : Buffer.from(auth));
  },
};

const whoAmI: Command = {
  usage: '',
  ignoresWords: true,
  async run({ client, printer }) {
    const identities = await client.whoAmI();
    printer.out('Auth scheme: User\n');
    for (const { scheme, user } of identities) printer.out(`${scheme}: ${user}\n`);
  },
};

export const accessCommands = { getAcl, setAcl, addauth: addAuth, whoami: whoAmI };
