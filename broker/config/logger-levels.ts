/**
 * The log levels that the resource BROKER_LOGGER shows and changes: the loggers that people know
 * from Kafka, each with a level of its own or that of its closest ancestor. Only the level of
 * `root` can reach our own logger.
 */
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';

export const ROOT_LOGGER = 'root';

const levels = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'];

const names = [
  'kafka',
  'kafka.authorizer.logger',
  'kafka.cluster.Partition',
  'kafka.controller',
  'kafka.controller.KafkaController',
  'kafka.coordinator.group.GroupCoordinator',
  'kafka.coordinator.transaction.TransactionCoordinator',
  'kafka.log.LogCleaner',
  'kafka.log.LogManager',
  'kafka.network.Processor',
  'kafka.network.RequestChannel$',
  'kafka.request.logger',
  'kafka.server.KafkaApis',
  'kafka.server.KafkaServer',
  'kafka.server.ReplicaFetcherThread',
  'kafka.server.ReplicaManager',
  'state.change.logger',
];

export class LoggerLevels {
  readonly #own = new Map<string, string>([[ROOT_LOGGER, 'INFO']]);

  /** Every logger with the level in force, sorted by name. */
  all(): [name: string, level: string][] {
    return [...names, ROOT_LOGGER]
      .sort()
      .map((name): [string, string] => [name, this.levelOf(name)]);
  }

  levelOf(name: string): string {
    for (let ancestor = name; ancestor !== ''; ) {
      const level = this.#own.get(ancestor);
      if (level !== undefined) return level;
      ancestor = ancestor.slice(0, Math.max(ancestor.lastIndexOf('.'), 0));
    }
    return this.#own.get(ROOT_LOGGER) ?? 'INFO';
  }

  /** Throws unless `name` may take `level`; null takes its own level away. */
  check(name: string, level: string | null): void {
    if (name !== ROOT_LOGGER && !names.includes(name))
      throw new ProtocolError(errorCodes.INVALID_CONFIG, `Logger ${name} does not exist!`);
    if (level === null && name === ROOT_LOGGER)
      throw new ProtocolError(
        errorCodes.INVALID_REQUEST,
        'Removing the log level of the root logger is not allowed',
      );
    if (level !== null && !levels.includes(level))
      throw new ProtocolError(
        errorCodes.INVALID_CONFIG,
        `Cannot set the log level of ${name} to ${level} as it is not a supported log level. ` +
          `Valid log levels are ${levels.join(', ')}`,
      );
  }

  set(name: string, level: string | null): void {
    this.check(name, level);
    if (level === null) this.#own.delete(name);
    else this.#own.set(name, level);
  }
}
