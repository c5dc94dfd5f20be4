/**
 * The embedded ZooKeeper as a program: `zookeeper-server-start zookeeper.properties`. Reads clientPort, clientPortAddress,
 * dataDir and tickTime; the rest of ZooKeeper's settings come with the server's next form. For labs and tests.
 */
import { parseProperties } from '../broker/config/properties.ts';
import { createLogger } from '../system/logger.ts';
import { program } from '../system/process.ts';
import { realSystem } from '../system/system.ts';
import { startZooKeeperServer } from '../zookeeper/server/server.ts';
import { readSettingsFile, runProgram, sentenceOf, UserError } from './failures.ts';

const USAGE = 'USAGE: zookeeper-server-start zookeeper.properties';

/** The disk has failed. */
const fail = async (error: unknown): Promise<void> => {
  await program.printError(`${sentenceOf(error)}\n`);
  program.exit(1);
};

const main = async (): Promise<void> => {
  const [file] = program.arguments;
  if (file === undefined) throw new UserError(USAGE);
  const system = realSystem(createLogger({ level: 'warn' }));
  const settings = parseProperties(await readSettingsFile(system, file));
  const dataDir = settings.get('dataDir');
  if (dataDir === undefined) throw new UserError(`${file} has no dataDir: name a folder in it.`);
  const tickTime = settings.get('tickTime');
  const server = await startZooKeeperServer(system, {
    host: settings.get('clientPortAddress') ?? '0.0.0.0',
    port: Number(settings.get('clientPort') ?? 2181),
    dataDir,
    ...(tickTime === undefined ? {} : { tickTimeMs: Number(tickTime) }),
    onFailure: (error) => void fail(error),
  });
  const stop = async (): Promise<void> => {
    await server.close();
    program.exit(0);
  };
  program.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => void stop());
  program.onParentGone(() => void stop());
  program.tellParent({ type: 'ready', port: server.port });
  await program.print(`ZooKeeper is listening on port ${server.port}\n`);
};

await runProgram(main);
