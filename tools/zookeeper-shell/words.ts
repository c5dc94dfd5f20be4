/**
 * A line of the shell as words, and words as options and arguments, by the rules of ZooKeeperMain and of the parser its
 * commands use (commons-cli): options may stand anywhere, `-sw` is `-s -w`, `-v5` and `-v=5` are `-v 5`. Pure.
 */
import { CommandFailure } from './failures.ts';

/** A word is plain, or stands in quotes of either kind; a quote without its partner is passed over. */
const WORD = /\s*([^"']\S*|"[^"]*"|'[^']*')\s*/g;

/** The words of a line, outer quotes taken off. */
export const wordsOf = (line: string): string[] =>
  [...line.matchAll(WORD)].map(([, word = '']) => word.replace(/^(['"])(.*)\1$/s, '$2'));

export interface OptionSpec {
  /** Options by name; true for those that take a value. */
  readonly options?: Readonly<Record<string, boolean>>;
  /** Options of which one only may be given, with what they are for. */
  readonly exclusive?: {
    readonly purposes: Readonly<Record<string, string>>;
    readonly isRequired: boolean;
  };
}

export interface ParsedWords {
  /** What is no option, the command's name first. */
  readonly args: readonly string[];
  /** Options given; the value is empty for those that take none. */
  readonly options: ReadonlyMap<string, string>;
}

const parseFailure = (javaName: string, message: string): CommandFailure =>
  new CommandFailure(`org.apache.commons.cli.${javaName}: ${message}`);

const unrecognized = (word: string): CommandFailure =>
  parseFailure('UnrecognizedOptionException', `Unrecognized option: ${word}`);

/** Sorts words into options and arguments; throws the failure that Java's parser has for what does not fit. */
export const parseWords = (words: readonly string[], spec: OptionSpec): ParsedWords => {
  const parser = new WordParser(spec);
  for (const word of words) parser.take(word);
  return parser.finish();
};

class WordParser {
  readonly #known: Readonly<Record<string, boolean>>;
  readonly #spec: OptionSpec;
  readonly #args: string[] = [];
  readonly #options = new Map<string, string>();
  /** The option that waits for its value. */
  #open: string | null = null;
  /** The one of the exclusive options that was given. */
  #selected: string | null = null;
  #isPastOptions = false;

  constructor(spec: OptionSpec) {
    this.#spec = spec;
    this.#known = spec.options ?? {};
  }

  take(word: string): void {
    if (this.#isPastOptions) this.#args.push(word);
    else if (word === '--') this.#isPastOptions = true;
    else if (this.#open !== null && !this.#isOption(word)) this.#giveValue(this.#open, word);
    else if (word.startsWith('--')) throw unrecognized(word);
    else if (word.startsWith('-') && word.length > 1) this.#takeOption(word);
    else this.#args.push(word);
  }

  finish(): ParsedWords {
    this.#checkOpen();
    const { exclusive } = this.#spec;
    if (exclusive?.isRequired && this.#selected === null) {
      const choices = Object.entries(exclusive.purposes).map(([name, text]) => `-${name} ${text}`);
      throw parseFailure(
        'MissingOptionException',
        `Missing required option: [${choices.join(', ')}]`,
      );
    }
    return { args: this.#args, options: this.#options };
  }

  #takeOption(word: string): void {
    const body = word.slice(1);
    if (this.#isKnown(body)) return this.#begin(body);
    const [name = '', value] = splitAt(body, '=');
    if (value !== null) {
      if (name.length !== 1 || !this.#takesValue(name)) throw unrecognized(word);
      this.#begin(name);
      return this.#giveValue(name, value);
    }
    for (const [index, letter] of [...body].entries()) {
      if (!this.#isKnown(letter)) throw unrecognized(word);
      this.#begin(letter);
      const rest = body.slice(index + 1);
      if (this.#open !== null && rest !== '') return this.#giveValue(letter, rest);
    }
  }

  #begin(name: string): void {
    this.#checkOpen();
    if (this.#spec.exclusive !== undefined && name in this.#spec.exclusive.purposes) {
      if (this.#selected !== null && this.#selected !== name) {
        throw parseFailure(
          'AlreadySelectedException',
          `The option '${name}' was specified but an option from this group has already been selected: '${this.#selected}'`,
        );
      }
      this.#selected = name;
    }
    if (!this.#options.has(name)) this.#options.set(name, '');
    if (this.#takesValue(name)) this.#open = name;
  }

  /** The first value counts when an option is given twice. */
  #giveValue(name: string, value: string): void {
    if (this.#options.get(name) === '') this.#options.set(name, value);
    this.#open = null;
  }

  #checkOpen(): void {
    if (this.#open === null) return;
    throw parseFailure('MissingArgumentException', `Missing argument for option: ${this.#open}`);
  }

  /** Whether a word would be an option rather than a value; negative numbers are values. */
  #isOption(word: string): boolean {
    if (!word.startsWith('-') || word.length < 2 || /^-\d+(\.\d+)?$/.test(word)) return false;
    const [name] = splitAt(word.slice(1), '=');
    return this.#isKnown(name) || this.#isKnown(name.charAt(0));
  }

  #isKnown(name: string): boolean {
    return Object.hasOwn(this.#known, name);
  }

  #takesValue(name: string): boolean {
    return this.#known[name] === true;
  }
}

const splitAt = (text: string, separator: string): [string, string | null] => {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
};
