/**
 * The operations that node-zookeeper-client offers, through the package as it is: `node-client-operations.js HOST:PORT`, on
 * an empty server. Tells each outcome. Versions of 0 in transactions are left out: the package sends them as -1.
 */
import zookeeper from 'node-zookeeper-client';
import { restartServer, runSections, SESSION_MS, until } from './steps.js';

const [connect] = process.argv.slice(2);
const { ACL, CreateMode, Id, Permission, State } = zookeeper;

const connected = (suffix = '', options = {}) =>
  new Promise((resolve) => {
    const made = zookeeper.createClient(`${connect}${suffix}`, {
      sessionTimeout: SESSION_MS,
      spinDelay: 100,
      ...options,
    });
    made.once('connected', () => resolve(made));
    made.connect();
  });

/** A method of a client, with a promise in place of its callback. */
const call = (on, method, ...args) =>
  new Promise((resolve, reject) => {
    on[method](...args, (error, ...results) => {
      if (error) {
        const { code, name } = error;
        reject(Object.assign(new Error(name), { code }));
      } else resolve(results.length < 2 ? results[0] : results);
    });
  });

const long = (bytes) => bytes.readBigInt64BE();

const statOf = (stat, origin) => {
  if (!stat) return 'none';
  const zxids = [stat.czxid, stat.mzxid, stat.pzxid].map((zxid) => Number(long(zxid) - origin));
  const { version, cversion, aversion, dataLength, numChildren } = stat;
  const isEphemeral = long(stat.ephemeralOwner) !== 0n;
  return { version, cversion, aversion, dataLength, numChildren, isEphemeral, zxids };
};

const client = await connected();
const zk = (method, ...args) => call(client, method, ...args);

const zxidNow = async () => {
  const path = await zk('create', '/z', CreateMode.PERSISTENT_SEQUENTIAL);
  return long((await zk('exists', path)).czxid);
};

const basics = async (say) => {
  const origin = await zxidNow();
  await say('create', () => zk('create', '/a', Buffer.from('one')));
  await say('create again', () => zk('create', '/a', Buffer.from('one')));
  const dataAndStat = async (path) => {
    const [data, stat] = await zk('getData', path);
    return [data, statOf(stat, origin)];
  };
  await say('get', () => dataAndStat('/a'));
  await say('set', async () => statOf(await zk('setData', '/a', Buffer.from('two'), 0), origin));
  await say('set a wrong version', () => zk('setData', '/a', Buffer.from('three'), 0));
  await say('set what is not there', () => zk('setData', '/nope', Buffer.from('x')));
  await say('get what is not there', () => zk('getData', '/nope'));
  await say('exists', async () => statOf(await zk('exists', '/a'), origin));
  await say('exists what is not there', async () => statOf(await zk('exists', '/nope'), origin));
  await say('no data', () => zk('create', '/null'));
  await say('is told as', () => dataAndStat('/null'));
  await say('empty data', () => zk('create', '/empty', Buffer.alloc(0)));
  await say('is told as, too', () => dataAndStat('/empty'));
  await say('child', () => zk('create', '/a/b'));
  await say('a path of many', () => zk('mkdirp', '/p/q/r/s'));
  await say('children', async () => {
    const [names, stat] = await zk('getChildren', '/a');
    return [names, statOf(stat, origin)];
  });
  await say('children of what is not there', () => zk('getChildren', '/nope'));
  await say('the tree', async () => (await zk('listSubTreeBFS', '/p')).sort());
  await say('remove a parent', () => zk('remove', '/a'));
  await say('remove a wrong version', () => zk('remove', '/a/b', 4));
  await say('remove', () => zk('remove', '/a/b', 0));
  await say('remove what is not there', () => zk('remove', '/a/b'));
  await say('remove a tree', () => zk('removeRecursive', '/p'));
  const large = Buffer.alloc(1_000_000, 'x');
  await say('a large node', () => zk('create', '/large', large));
  await say('comes back', async () => (await zk('getData', '/large'))[0].equals(large));
  await say('many at once', async () => {
    const many = Array.from({ length: 500 }, (_, index) => zk('create', `/a/${index}`));
    return (await Promise.all(many)).length;
  });
  await say('are there', async () => (await zk('getChildren', '/a'))[0].length);
};

const kinds = async (say) => {
  await zk('create', '/kinds');
  for (const [name, mode] of Object.entries(CreateMode))
    await say(`${name}`, () => zk('create', `/kinds/${name}`, mode));
  await say('below an ephemeral', () => zk('create', '/kinds/EPHEMERAL/x'));
  await say('all of them', async () => (await zk('getChildren', '/kinds'))[0].sort());
  await say('whose', async () => {
    const { ephemeralOwner } = await zk('exists', '/kinds/EPHEMERAL');
    return ephemeralOwner.equals(client.getSessionId());
  });
};

const access = async (say) => {
  const other = await connected();
  const as = (method, ...args) => call(other, method, ...args);
  const bobs = [new ACL(Permission.ALL, new Id('digest', 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0='))];
  const listOf = async (ask) => {
    const [acls, stat] = await ask('getACL', '/secret');
    return [acls.map(({ permission, id }) => `${permission} ${id.scheme}:${id.id}`), stat.aversion];
  };
  await say('create', () => zk('create', '/secret', Buffer.from('s'), bobs));
  await say('get', () => zk('getData', '/secret'));
  await say('list', () => listOf(zk));
  await say('exists (3.8.4)', () => zk('exists', '/secret'));
  other.addAuthInfo('digest', Buffer.from('bob:secret'));
  await say('get with a name', async () => (await as('getData', '/secret'))[0]);
  await say('list with a name', () => listOf(as));
  await say(
    'open it',
    async () => (await as('setACL', '/secret', ACL.OPEN_ACL_UNSAFE, 0)).aversion,
  );
  await say('a wrong version', () => as('setACL', '/secret', ACL.OPEN_ACL_UNSAFE, 0));
  await say('list', () => listOf(zk));
  await say('creator', () => as('create', '/bobs', ACL.CREATOR_ALL_ACL));
  await say('creator without a name', () => zk('create', '/nobodys', ACL.CREATOR_ALL_ACL));
  await say('a wrong list', () => zk('create', '/x', [new ACL(31, new Id('nope', 'x'))]));
  await say('its end', () => ended(other));
  const third = await connected();
  const failed = new Promise((resolve) => {
    third.once('authenticationFailed', () => resolve('authenticationFailed'));
  });
  third.addAuthInfo('nope', Buffer.from('x'));
  await say('an unknown scheme', () => failed);
};

const ended = (which) =>
  new Promise((resolve) => {
    which.once('disconnected', () => resolve('disconnected'));
    which.close();
  });

const watches = async (say) => {
  const other = await connected();
  const seen = [];
  const watch = (event) => seen.push(`${event}`);
  const after = async (count) => {
    await until(() => seen.length >= count, `${count} events`);
    return seen.splice(0).sort();
  };
  await zk('create', '/watches');
  await zk('exists', '/watches/w', watch);
  await zk('getChildren', '/watches', watch);
  await call(other, 'create', '/watches/w');
  await say('created', () => after(2));
  await zk('getData', '/watches/w', watch);
  await call(other, 'setData', '/watches/w', Buffer.from('2'));
  await say('changed', () => after(1));
  await zk('getData', '/watches/w', watch);
  await zk('getChildren', '/watches/w', watch);
  await call(other, 'remove', '/watches/w');
  await say('deleted', () => after(1));
  await call(other, 'create', '/watches/e', CreateMode.EPHEMERAL);
  await zk('exists', '/watches/e', watch);
  await say('its end', () => ended(other));
  await say('what its end deletes', () => after(1));
};

const transactions = async (say) => {
  const origin = await zxidNow();
  const commit = async (build) => {
    const transaction = build(client.transaction());
    const results = await new Promise((resolve) => {
      transaction.commit((error, all) => resolve({ error: error?.code, all }));
    });
    return {
      ...results,
      all: results.all?.map(({ type, path, stat, err }) => [
        type,
        path ?? 'no path',
        stat ? statOf(stat, origin) : 'no stat',
        err ?? 0,
      ]),
    };
  };
  await say('two nodes', () => commit((t) => t.create('/t1', Buffer.from('1')).create('/t2')));
  await say('check, set, remove', () =>
    commit((t) => t.check('/t1', -1).setData('/t1', Buffer.from('2'), -1).remove('/t2', -1)),
  );
  await say('a wrong version', () =>
    commit((t) => t.create('/t3').check('/t1', 7).remove('/t1', -1)),
  );
  await say('nothing was done', async () => [
    statOf(await zk('exists', '/t3'), origin),
    statOf(await zk('exists', '/t1'), origin),
  ]);
  await say('the version it has', () => commit((t) => t.check('/t1', 1).setData('/t1', null, 1)));
  await say('kinds', () =>
    commit((t) =>
      t
        .create('/t4', CreateMode.EPHEMERAL)
        .create('/t5-', CreateMode.PERSISTENT_SEQUENTIAL)
        .create('/t6-', CreateMode.EPHEMERAL_SEQUENTIAL),
    ),
  );
  await say('none', () => commit((t) => t));
  await say('counted', async () => Number((await zxidNow()) - origin));
};

const chroot = async (say) => {
  await zk('create', '/base');
  const inside = await connected('/base');
  const seen = [];
  await say('create', () => call(inside, 'create', '/x'));
  await say('children', async () => (await call(inside, 'getChildren', '/'))[0]);
  await call(inside, 'exists', '/y', (event) => seen.push(`${event}`));
  await zk('create', '/base/y');
  await until(() => seen.length > 0, 'an event');
  await say('event', () => seen);
  await say('its end', () => ended(inside));
};

const restart = async (say) => {
  await zk('create', '/kept', Buffer.from('kept'));
  await zk('create', '/mine', CreateMode.EPHEMERAL);
  const before = await zk('exists', '/mine');
  const seen = [];
  const watch = (event) => seen.push(`${event}`);
  await zk('getData', '/kept', watch);
  await zk('exists', '/late', watch);
  await zk('getChildren', '/kept', watch);
  const id = client.getSessionId();
  const isBack = new Promise((resolve) => client.once('connected', resolve));
  await restartServer();
  // The package waits for ever where ZooKeeper, while it starts, takes a connection and never answers.
  const unstuck = setInterval(() => client.connectionManager.socket?.destroy(), 4_000);
  await isBack;
  clearInterval(unstuck);
  await say('state', () => client.getState() === State.SYNC_CONNECTED);
  await say('the same session', () => client.getSessionId().equals(id));
  await say('the same stat', async () => {
    const after = await zk('exists', '/mine');
    return JSON.stringify(after) === JSON.stringify(before);
  });
  await zk('setData', '/kept', Buffer.from('new'));
  await zk('create', '/late');
  await zk('create', '/kept/child');
  await until(() => seen.length >= 3, 'three events');
  await say('watches outlive it', () => seen.sort());
  await say('its end', () => ended(client));
};

await runSections({ basics, kinds, access, watches, transactions, chroot, restart });
