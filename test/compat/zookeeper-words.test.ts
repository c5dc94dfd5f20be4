/**
 * Four-letter words and admin commands: what the embedded server says has the form of what ZooKeeper says, after the same
 * requests. Numbers, dates and addresses are masked; the metrics of an ensemble are ZooKeeper's alone.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realSystem } from '../../system/system.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { ask } from '../zookeeper/server/raw-client.ts';
import {
  cleanUp as closeServers,
  startServer as startOurs,
} from '../zookeeper/server/server-folder.ts';
import { cleanUp, newFolder, startServer, until } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

interface Ports {
  readonly port: number;
  readonly adminPort: number;
}

const TICK_TIME_MS = 3000;

const startReal = async (): Promise<Ports> => {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const folder = newFolder();
  mkdirSync(join(folder, 'data'));
  const settings = join(folder, 'zoo.cfg');
  const lines = [
    ...[`tickTime=${TICK_TIME_MS}`, `dataDir=${folder}/data`, `clientPort=${port}`],
    ...['clientPortAddress=127.0.0.1', '4lw.commands.whitelist=*', `admin.serverPort=${adminPort}`],
  ];
  writeFileSync(settings, lines.join('\n'));
  const [program = '', ...leading] = commandOf('ZOOKEEPER').split(' ');
  // Handshakes before it serves would be counted, words be counted, too; what is asked of the admin port is not.
  await until(startServer(program, [...leading, settings]), async () => {
    const told = await fetch(`http://127.0.0.1:${adminPort}/commands/is_read_only`).catch(
      () => null,
    );
    return told !== null && ((await told.json()) as { error: unknown }).error === null;
  });
  return { port, adminPort };
};

const startEmbedded = async (): Promise<Ports> => {
  const { port, adminPort } = await startOurs({
    tickTimeMs: TICK_TIME_MS,
    maxSessionTimeoutMs: 20 * TICK_TIME_MS,
    connectionsPerAddressMax: 60,
    admin: { host: '127.0.0.1', port: 0 },
  });
  return { port, adminPort: adminPort ?? 0 };
};

/** A client that owns a node and watches two paths. */
const prepare = async (port: number): Promise<ZooKeeperClient> => {
  const client = await connectWireClient(realSystem(), {
    connectString: Array.from({ length: 10 }, () => `127.0.0.1:${port}`).join(','),
    sessionTimeoutMs: 60_000,
    connectionTimeoutMs: 50_000,
  });
  await client.create('/a', Buffer.from('x'));
  await client.create('/a/e', null, { mode: 'ephemeral' });
  for (const path of ['/a', '/missing']) {
    client.watchNode(path, () => {});
    await client.exists(path);
  }
  return client;
};

const masked = (text: string): string =>
  text
    .replace(/(Zookeeper version:|zookeeper.version=).*/g, '$1 V')
    .replace(/expire at .*:/g, 'expire at DATE:')
    // How many buckets there are, and which are empty, is a matter of the moment.
    .replace(/^0 expire at DATE:\n/gm, '')
    .replace(/Sets \(\d+\)/g, 'Sets (N)')
    .replace(/0x[0-9a-f]{6,}/g, 'ID')
    .replace(/(dataDir|dataLogDir)=.*\/version-2/g, '$1=DIR/version-2')
    .replace(/(est|lresp|llat|minlat|avglat|maxlat|Size|clientPort)=\d+/g, '$1=N')
    .replace(/max: \d+\/[\d.]+\/\d+/g, 'max: N')
    .replace(/_size: \d+/g, '_size: N')
    .replace(/(127\.0\.0\.1):\d+/g, '$1:PORT')
    .split(/(?<=^Clients:\n| dump:\n)/m)
    .map(sortedConnections)
    .join('');

/** Connections stand in no order. */
const sortedConnections = (text: string): string => {
  const lines = text.split('\n');
  const isConnection = (line: string): boolean => /^[ \t](\/|ip: )/.test(line);
  const sorted = lines.filter(isConnection).sort();
  return lines.map((line) => (isConnection(line) ? sorted.shift() : line)).join('\n');
};

/** In an order in which none changes what another tells. */
const words = [
  'ruok',
  'isro',
  'conf',
  'cons',
  'stat',
  'srvr',
  'wchs',
  'wchc',
  'wchp',
  'dump',
  'dirs',
];
const laterWords = ['gtmk', 'stmk\0\0\0\0\0\0\0\u0005', 'gtmk', 'crst', 'cons', 'srst', 'srvr'];

const commands = [
  ...['configuration', 'connections', 'dirs', 'dump', 'get_trace_mask', 'hash', 'is_read_only'],
  ...['last_snapshot', 'leader', 'observers', 'ruok', 'server_stats', 'stats', 'voting_view'],
  ...['watch_summary', 'watches', 'watches_by_path', 'zabstate', 'nosuch', 'set_trace_mask'],
  ...[
    'conf',
    'cons',
    'envi',
    'gtmk',
    'icfg',
    'isro',
    'lsnp',
    'lead',
    'mntr',
    'obsr',
    'orst',
    'srvr',
  ],
  ...['stmk?traceMask=7', 'srst', 'crst', 'stat', 'sysp', 'wchs', 'wchc', 'wchp'],
];

/** Its keys and kinds of values; keys that are ids or times count as one. */
const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [/^\d+$/.test(key) ? 'N' : key, shapeOf(item)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
};

const toldBy = async ({ port, adminPort }: Ports) => {
  const client = await prepare(port);
  const said: Record<string, string> = {};
  for (const [index, word] of [...words, ...laterWords].entries()) {
    said[`${index} ${word}`] = masked(await ask(port, Buffer.from(word)));
  }
  const metricNames: string[] = (await ask(port, Buffer.from('mntr'))).match(/^zk_\w+/gm) ?? [];
  const shapes: Record<string, unknown> = {};
  for (const command of commands) {
    const response = await fetch(`http://127.0.0.1:${adminPort}/commands/${command}`);
    shapes[command] = shapeOf(await response.json());
  }
  const page = await (await fetch(`http://127.0.0.1:${adminPort}/commands`)).text();
  await client.close();
  return { said, metricNames, shapes, page: page.trim() };
};

describeWith('ZOOKEEPER', 'words and admin commands', () => {
  afterEach(async () => {
    await closeServers();
    await cleanUp();
  });

  test('the embedded server speaks as ZooKeeper does', async () => {
    const real = await toldBy(await startReal());
    const ours = await toldBy(await startEmbedded());
    expect(ours.said).toEqual(real.said);
    expect(ours.metricNames.filter((name) => !real.metricNames.includes(name))).toEqual([]);
    expect(ours.metricNames.slice(0, 2)).toEqual(real.metricNames.slice(0, 2));
    expect(ours.page).toBe(real.page);
    // Java's own properties, and the metrics of an ensemble.
    const partial = ['envi', 'sysp', 'mntr'];
    for (const command of commands) {
      const [shape, realShape] = [ours.shapes[command], real.shapes[command]];
      if (!partial.includes(command))
        expect({ command, shape }).toEqual({ command, shape: realShape });
    }
    expect(real.shapes.mntr).toMatchObject(ours.shapes.mntr as object);
  });
});
