/**
 * How tools write what is not their result: log lines as Kafka's tools-log4j.properties gives them,
 * and lists in the order of Java's hash maps, which several of Kafka's outputs show. Columns and
 * JSON come with the tools that need them.
 */
import { javaHash } from '../protocol/java-hash.ts';
import type { Logger } from '../system/logger.ts';
import type { System } from '../system/system.ts';

export type LogLevel = 'WARN' | 'ERROR';

/** `[2026-11-22 04:39:34,752] ERROR message (logger)` in local time. */
export const logLine = (
  nowMs: number,
  level: LogLevel,
  message: string,
  loggerName: string,
): string => `[${logTime(nowMs)}] ${level} ${message} (${loggerName})\n`;

const logTime = (timeMs: number): string => {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock},${String(time.getMilliseconds()).padStart(3, '0')}`;
};

/** A System whose clients' warnings and errors come out as log lines through `write`. */
export const loggingSystem = (
  system: System,
  loggerName: string,
  write: (line: string) => void,
): System => {
  const log = (level: LogLevel, fields: object, message: string): void => {
    const { err } = fields as { err?: unknown };
    const reason = err instanceof Error ? `: ${err.message}` : '';
    write(logLine(system.clock.nowMs(), level, message + reason, loggerName));
  };
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (fields, message) => log('WARN', fields, message),
    error: (fields, message) => log('ERROR', fields, message),
    child: () => logger,
  };
  return { ...system, logger };
};

const DEFAULT_CAPACITY = 16;

/**
 * Items in the order of a java.util.HashMap keyed by `keyOf`, made for `capacity` entries and
 * filled in the order given.
 */
export const hashMapOrder = <T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  capacity = DEFAULT_CAPACITY,
): T[] => {
  let buckets = 1;
  while (buckets < capacity) buckets *= 2;
  while (items.length > buckets * 0.75) buckets *= 2;
  const bucketOf = (item: T): number => {
    const hash = javaHash(keyOf(item));
    return ((hash ^ (hash >>> 16)) >>> 0) & (buckets - 1);
  };
  return items.toSorted((a, b) => bucketOf(a) - bucketOf(b));
};
