/**
 * The options of a command line tool as data: one entry per option, in the terms of Kafka's tools
 * (jopt-simple). The parser (parser.ts) and the help (help.ts) both come from it.
 */
export interface Option {
  readonly name: string;
  /**
   * `required`: takes the next word whatever it is; `optional`: may stand alone; absent: a flag.
   */
  readonly argument?: 'required' | 'optional';
  /** What the help calls the type of the value. */
  readonly type?: string;
  /** What the help calls the value. */
  readonly valueName?: string;
  readonly description?: string;
  readonly defaultText?: string;
}

export type OptionTable = readonly Option[];

/** What every tool has. */
export const commonOptions: OptionTable = [
  { name: 'help', description: 'Print usage information.' },
  { name: 'version', description: 'Display Kafka version.' },
];

/** The release that we are compatible with, as `--version` prints it. */
export const KAFKA_VERSION = '3.9.1';
