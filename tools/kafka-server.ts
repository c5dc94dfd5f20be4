/**
 * The server process: `kafka-server-start server.properties [--override name=value]...`. Logs go to a file where
 * LOG_DIR is set (as Kafka's scripts do) and warnings to the terminal, else all of it to the terminal.
 */
import { posix } from 'node:path';
import type { Broker } from '../broker/broker.ts';
import { parseProperties } from '../broker/config/properties.ts';
import { ConfigError } from '../broker/config/setting.ts';
import { parseBrokerConfig } from '../broker/config.ts';
import { createLogger, type Logger } from '../system/logger.ts';
import { program } from '../system/process.ts';
import { realSystem } from '../system/system.ts';
import { readSettingsFile, runProgram, sentenceOf, UserError } from './failures.ts';
import { startServer } from './server.ts';

const USAGE = 'USAGE: kafka-server-start server.properties [--override property=value]*';

const main = async (): Promise<void> => {
  const { file, overrides } = parseArguments(program.arguments);
  const bootSystem = realSystem();
  const text = await readSettingsFile(bootSystem, file);
  const properties = new Map([...parseProperties(text), ...overrides]);
  const { config, warnings } = parseConfig(properties);
  const logDirectory = program.environment('LOG_DIR');
  const logger = createLogger(
    logDirectory === undefined
      ? { level: 'info' }
      : { level: 'info', file: posix.join(logDirectory, 'server.log'), warnToTerminal: true },
  );
  for (const warning of warnings) logger.warn({}, warning);
  const system = realSystem(logger);
  program.onUncaught((error) => {
    // A bug: what it has left behind cannot be trusted, and the logs are safe on disk.
    logger.error({ err: error }, 'ending after an internal error');
    program.exit(70);
  });
  const starting = startServer(system, config);
  // Installed before it has started: a signal that comes now must not cut the start in half.
  const stop = stopOnce(starting, logger);
  program.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], stop);
  program.onParentGone(() => stop('the parent process has ended'));
  const server = await starting;
  void server.failed.then(async (reason) => {
    await program.printError(`${reason}\n`);
    program.exit(1);
  });
  logger.info({}, `[KafkaServer id=${server.brokerId}] started`);
  program.tellParent({ type: 'ready', brokerId: server.brokerId, ports: server.ports });
};

/** Stops the server in order and ends the process; only the first call counts. */
const stopOnce = (starting: Promise<Broker>, logger: Logger): ((reason: string) => void) => {
  const run = async (reason: string): Promise<void> => {
    try {
      const server = await starting;
      logger.info({ reason }, `[KafkaServer id=${server.brokerId}] shutting down`);
      await server.stop();
      logger.info({}, `[KafkaServer id=${server.brokerId}] shut down completed`);
      program.exit(0);
    } catch (error) {
      await program.printError(`${sentenceOf(error)}\n`);
      program.exit(1);
    }
  };
  let isStopping = false;
  return (reason) => {
    if (isStopping) return;
    isStopping = true;
    void run(reason);
  };
};

const parseArguments = (
  args: readonly string[],
): { file: string; overrides: Map<string, string> } => {
  const [file, ...rest] = args;
  if (file === undefined) throw new UserError(USAGE);
  const overrides = new Map<string, string>();
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] as string;
    const value = word === '--override' ? rest[++index] : undefined;
    if (value === undefined)
      throw new UserError(`Found non argument parameters: ${word}\n${USAGE}`);
    const separator = value.indexOf('=');
    if (separator < 1) throw new UserError(`--override takes property=value, not ${value}.`);
    overrides.set(value.slice(0, separator), value.slice(separator + 1));
  }
  return { file, overrides };
};

const parseConfig = (properties: ReadonlyMap<string, string>) => {
  try {
    return parseBrokerConfig(properties);
  } catch (error) {
    if (error instanceof ConfigError) throw new UserError(error.message);
    throw error;
  }
};

await runProgram(main);
