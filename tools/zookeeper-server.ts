/**
 * The embedded ZooKeeper as a program: `zookeeper-server-start zookeeper.properties`, with the settings of a standalone
 * ZooKeeper (zookeeper/server/settings.ts). For labs and tests.
 */
import { parseProperties } from '../broker/config/properties.ts';
import { createLogger } from '../system/logger.ts';
import { program } from '../system/process.ts';
import { realSystem } from '../system/system.ts';
import { startZooKeeperServer } from '../zookeeper/server/server.ts';
import { readServerProperties, type ServerProperties } from '../zookeeper/server/settings.ts';
import { readSettingsFile, runProgram, sentenceOf, UserError } from './failures.ts';

const USAGE = 'USAGE: zookeeper-server-start zookeeper.properties';

/** The disk has failed. */
const fail = async (error: unknown): Promise<void> => {
  await program.printError(`${sentenceOf(error)}\n`);
  program.exit(1);
};

const readSettings = (file: string, text: string): ServerProperties => {
  try {
    return readServerProperties(parseProperties(text));
  } catch (error) {
    throw new UserError(`${file}: ${sentenceOf(error)}`);
  }
};

const main = async (): Promise<void> => {
  const [file, unexpected] = program.arguments;
  if (file === undefined || unexpected !== undefined) throw new UserError(USAGE);
  program.keepHeapSmall();
  const system = realSystem(createLogger({ level: 'warn' }));
  const settingsText = await readSettingsFile(system, file);
  const { options, warnings } = readSettings(file, settingsText);
  for (const warning of warnings) await program.printError(`${file}: ${warning}\n`);
  const server = await startZooKeeperServer(system, {
    ...options,
    settingsText,
    environment: {
      'host.name': program.environment('HOSTNAME') ?? 'localhost',
      'user.name': program.environment('USER') ?? '',
      'user.home': program.environment('HOME') ?? '',
      'user.dir': program.workingDirectory,
      'java.io.tmpdir': program.temporaryDirectory,
    },
    onFailure: (error) => void fail(error),
  });
  const stop = async (): Promise<void> => {
    await server.close();
    program.exit(0);
  };
  program.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => void stop());
  program.onParentGone(() => void stop());
  program.tellParent({ type: 'ready', port: server.port, adminPort: server.adminPort });
  await program.print(`ZooKeeper is listening on port ${server.port}\n`);
  if (server.adminPort !== null) {
    await program.print(`Its admin commands are on port ${server.adminPort}\n`);
  }
};

await runProgram(main);
