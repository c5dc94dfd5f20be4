/** Logging through pino: structured lines to a file or stderr. The rest of the code sees only `Logger`. */
import { type DestinationStream, destination, type LevelWithSilent, multistream, pino } from 'pino';

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger;
}

export interface LoggerOptions {
  readonly level?: LevelWithSilent;
  /** The file that takes the lines; stderr when absent. */
  readonly file?: string;
  /** Also sends warnings and errors to stderr. */
  readonly warnToTerminal?: boolean;
}

/** A pino logger; `silent` costs nothing. Files are opened in append mode and created with their folder. */
export const createLogger = (options: LoggerOptions = {}): Logger => {
  const level = options.level ?? 'info';
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const main = destination(
    options.file === undefined
      ? { fd: 2, sync: true }
      : { dest: options.file, mkdir: true, sync: true },
  );
  if (!options.warnToTerminal) return pino(settings, main);
  const streams: { level: LevelWithSilent; stream: DestinationStream }[] = [
    { level, stream: main },
    { level: 'warn', stream: destination({ fd: 2, sync: true }) },
  ];
  return pino(settings, multistream(streams as Parameters<typeof multistream>[0]));
};
