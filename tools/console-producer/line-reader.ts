/**
 * Lines of text become records: `[headers DELIMITER][key SEPARATOR]value`, as Kafka's
 * LineMessageReader reads them. Pure; works on bytes, so that a plain line costs no conversion.
 */
import { isUtf8 } from 'node:buffer';
import { JavaFailure } from '../options/java-failure.ts';
import type { Properties } from '../options/properties.ts';

export interface LineRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

const NO_HEADERS: readonly Header[] = [];

const kafkaFailure = (message: string): JavaFailure =>
  new JavaFailure('org.apache.kafka.common.KafkaException', message);

export class LineReader {
  readonly #parsesKey: boolean;
  readonly #parsesHeaders: boolean;
  readonly #ignoresErrors: boolean;
  readonly #keySeparator: Buffer;
  readonly #headersDelimiter: Buffer;
  readonly #headersSeparator: RegExp;
  readonly #headersKeySeparator: string;
  readonly #nullMarker: Buffer | null;
  #lineNumber = 0;

  /** Throws JavaFailure for separators that cannot be told apart. */
  constructor(properties: Properties) {
    const isOn = (name: string): boolean => properties.get(name)?.trim().toLowerCase() === 'true';
    const text = (name: string, otherwise: string): string => properties.get(name) ?? otherwise;
    this.#parsesKey = isOn('parse.key');
    this.#parsesHeaders = isOn('parse.headers');
    this.#ignoresErrors = isOn('ignore.error');
    const separators = {
      'key.separator': text('key.separator', '\t'),
      'headers.delimiter': text('headers.delimiter', '\t'),
      'headers.separator': text('headers.separator', ','),
      'headers.key.separator': text('headers.key.separator', ':'),
      'null.marker': properties.get('null.marker') ?? null,
    };
    checkSeparators(separators);
    this.#keySeparator = Buffer.from(separators['key.separator']);
    this.#headersDelimiter = Buffer.from(separators['headers.delimiter']);
    this.#headersSeparator = new RegExp(separators['headers.separator']);
    this.#headersKeySeparator = separators['headers.key.separator'];
    const marker = separators['null.marker'];
    this.#nullMarker = marker === null ? null : Buffer.from(marker);
  }

  /** The record of the next line, which comes without its end. Throws JavaFailure. */
  read(line: Buffer): LineRecord {
    this.#lineNumber++;
    // Java reads text, so bytes that are none do not pass through it.
    const bytes = isUtf8(line) ? line : Buffer.from(line.toString('utf8'));
    if (!this.#parsesKey && !this.#parsesHeaders) {
      return { key: null, value: this.#orNull(bytes), headers: NO_HEADERS };
    }
    const { head: headers, rest: behindHeaders } = this.#cut(bytes, {
      isWanted: this.#parsesHeaders,
      separator: this.#headersDelimiter,
      what: 'headers delimiter',
      line: bytes,
    });
    const { head: key, rest: value } = this.#cut(behindHeaders, {
      isWanted: this.#parsesKey,
      separator: this.#keySeparator,
      what: 'key separator',
      line: bytes,
    });
    return {
      key: key === null ? null : this.#orNull(key),
      value: this.#orNull(value),
      headers: headers === null ? NO_HEADERS : this.#parseHeaders(headers),
    };
  }

  /** What stands before the first separator, and behind it. */
  #cut(
    bytes: Buffer,
    {
      isWanted,
      separator,
      what,
      line,
    }: { isWanted: boolean; separator: Buffer; what: string; line: Buffer },
  ): { head: Buffer | null; rest: Buffer } {
    if (!isWanted) return { head: null, rest: bytes };
    const position = bytes.indexOf(separator);
    if (position >= 0) {
      const head = bytes.subarray(0, position);
      return { head, rest: bytes.subarray(position + separator.length) };
    }
    if (this.#ignoresErrors) return { head: null, rest: bytes };
    throw kafkaFailure(`No ${what} found on line number ${this.#lineNumber}: '${line}'`);
  }

  #parseHeaders(bytes: Buffer): readonly Header[] {
    if (this.#orNull(bytes) === null) return NO_HEADERS;
    return bytes
      .toString('utf8')
      .split(this.#headersSeparator)
      .map((pair) => this.#parseHeader(pair));
  }

  #parseHeader(pair: string): Header {
    const position = pair.indexOf(this.#headersKeySeparator);
    if (position < 0) {
      if (this.#ignoresErrors) return { key: pair, value: null };
      throw kafkaFailure(
        `No header key separator found in pair '${pair}' on line number ${this.#lineNumber}`,
      );
    }
    const key = pair.slice(0, position);
    const marker = this.#nullMarker?.toString('utf8');
    if (key === marker) {
      throw kafkaFailure(
        `Header keys should not be equal to the null marker '${marker}' as they can't be null`,
      );
    }
    const value = Buffer.from(pair.slice(position + this.#headersKeySeparator.length));
    return { key, value: this.#orNull(value) };
  }

  #orNull(bytes: Buffer): Buffer | null {
    return this.#nullMarker !== null && bytes.equals(this.#nullMarker) ? null : bytes;
  }
}

/** The pairs that have to differ, in the order in which Kafka complains. */
const differing = [
  ['headers.delimiter', 'headers.separator'],
  ['headers.delimiter', 'headers.key.separator'],
  ['headers.separator', 'headers.key.separator'],
  ['null.marker', 'key.separator'],
  ['null.marker', 'headers.separator'],
  ['null.marker', 'headers.delimiter'],
  ['null.marker', 'headers.key.separator'],
] as const;

type Separators = Readonly<Record<(typeof differing)[number][number], string | null>>;

const checkSeparators = (separators: Separators): void => {
  for (const [one, other] of differing) {
    if (separators[one] !== separators[other]) continue;
    throw kafkaFailure(`${one} and ${other} may not be equal`);
  }
};
