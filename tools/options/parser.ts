/**
 * Reads a command line as jopt-simple does in Kafka's tools: `--name value`, `--name=value`, `-name
 * value`; a value that is required is the next word whatever it looks like; other words are
 * collected and ignored; no abbreviations. Commander does the reading. Values are converted when
 * they are asked for, so that a bad number fails late, as in Kafka.
 */
import { Command, CommanderError, Option as CommanderOption } from 'commander';
import type { Option, OptionTable } from './table.ts';

/** A command line that cannot be read, or a value that cannot be converted; Kafka's sentences. */
export class ParseError extends Error {
  override readonly name = 'ParseError';
  /** jopt-simple's name for it, without its package. */
  readonly javaName: string;
  /** Java's reason, where there is one. */
  readonly reason: string | null;

  constructor(javaName: string, message: string, reason: string | null = null) {
    super(message);
    this.javaName = javaName;
    this.reason = reason;
  }
}

/** What was given on a command line, by option name. */
export class ParsedOptions {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #table: OptionTable;

  constructor(table: OptionTable, values: ReadonlyMap<string, readonly string[]>) {
    this.#table = table;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The values given, in order; none for a flag. */
  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The one value, or the default, or null. Throws ParseError when there are several. */
  value(name: string): string | null {
    const values = this.values(name);
    if (values.length > 1) {
      throw new ParseError(
        'MultipleArgumentsForOptionException',
        `Found multiple arguments for option ${name}, but you asked for only one`,
      );
    }
    const option = this.#table.find((entry) => entry.name === name);
    return values[0] ?? option?.defaultText ?? null;
  }

  /** The one value as an Integer or Long, as the table says. Throws ParseError. */
  number(name: string): number | null {
    const text = this.value(name);
    if (text === null) return null;
    const type = this.#table.find((entry) => entry.name === name)?.type;
    const value = javaInteger(text, type === 'Long' ? 64 : 32);
    if (value !== null) return value;
    throw new ParseError(
      'OptionArgumentConversionException',
      `Cannot parse argument '${text}' of option ${name}`,
      `java.lang.NumberFormatException: For input string: "${text}"`,
    );
  }
}

/** Java's parseInt or parseLong; null for what they refuse. A long beyond 2^53 is rounded. */
export const javaInteger = (text: string, bits: 32 | 64): number | null => {
  if (!/^[+-]?\d{1,19}$/.test(text)) return null;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(bits, value) === value ? Number(value) : null;
};

/** Reads `args`; throws ParseError. */
export const parseOptions = (table: OptionTable, args: readonly string[]): ParsedOptions => {
  const values = new Map<string, string[]>();
  const command = new Command()
    .exitOverride()
    .helpOption(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .allowExcessArguments()
    .argument('[words...]');
  for (const option of table) {
    command.addOption(commanderOption(option));
    command.on(`option:${option.name}`, (value: string | null) => {
      const given = values.get(option.name) ?? [];
      if (typeof value === 'string') given.push(value);
      values.set(option.name, given);
    });
  }
  try {
    command.parse(longForms(table, args), { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? parseError(error) : error;
  }
  return new ParsedOptions(table, values);
};

const commanderOption = ({ name, argument }: Option): CommanderOption => {
  if (argument === undefined) return new CommanderOption(`--${name}`);
  return new CommanderOption(argument === 'required' ? `--${name} <value>` : `--${name} [value]`);
};

/**
 * One hyphen is as good as two before a known name; and where a flag is given a value, jopt-simple
 * drops it.
 */
const longForms = (table: OptionTable, args: readonly string[]): string[] => {
  const options = new Map(table.map((option) => [option.name, option]));
  const words: string[] = [];
  let isValue = false;
  let areWords = false;
  for (const word of args) {
    if (isValue || areWords) {
      words.push(word);
      isValue = false;
      continue;
    }
    areWords = word === '--';
    const [, name = '', rest = ''] = /^--?([^=]+)(=[\s\S]*)?$/.exec(word) ?? [];
    const option = options.get(name);
    isValue = option?.argument === 'required' && rest === '';
    if (option === undefined) words.push(unknownForm(word));
    else words.push(option.argument === undefined ? `--${name}` : `--${name}${rest}`);
  }
  return words;
};

/** Keeps commander from reading `-abc` as three options, and numbers from being options at all. */
const unknownForm = (word: string): string => (/^-[^-]./.test(word) ? `-${word}` : word);

const parseError = (error: CommanderError): ParseError => {
  const name = /'-{0,2}([^'= ]*)/.exec(error.message)?.[1] ?? '';
  if (error.code === 'commander.optionMissingArgument') {
    return new ParseError(
      'OptionMissingRequiredArgumentException',
      `Option ${name} requires an argument`,
    );
  }
  return new ParseError('UnrecognizedOptionException', `${name} is not a recognized option`);
};
