/**
 * What a setting is, the notation of the tables, and the check of a value given as text (Kafka's
 * ConfigDef, its wording included). A checked value stays text, in canonical form, because a Kafka
 * long is wider than a number.
 *
 * A row is `name type default range mark [internal]`, with its documentation in the next line.
 * default: `null`, `""`, `max` (the largest long) or the text. range: `-` any, `1..` and `1..9`
 * bounds, `in:a,b` one of (for a list: each of). mark: for a broker its update mode (`-`
 * read-only), for a topic the broker setting behind it.
 */

/** A bad setting; one sentence that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export const settingTypes = [
  'boolean',
  'string',
  'int',
  'short',
  'long',
  'double',
  'list',
  'class',
  'password',
] as const;
export type SettingType = (typeof settingTypes)[number];

export interface Setting {
  readonly name: string;
  readonly type: SettingType;
  /** Null: unset. */
  readonly defaultText: string | null;
  readonly range: string;
  readonly mark: string;
  /** Not shown unless it is set. */
  readonly isInternal: boolean;
  readonly documentation: string;
}

export const LONG_MAX = '9223372036854775807';

/** The settings of a table in the notation above. */
export const parseSettings = (table: string): Setting[] => {
  const lines = table.trim().split('\n');
  return lines.flatMap((row, index) => (index % 2 === 0 ? [parseRow(row, lines[index + 1])] : []));
};

const parseRow = (row: string, documentation = ''): Setting => {
  const [name = '', type = '', given = '', range = '-', mark = '-', internal] = row.split(' ');
  if (!isSettingType(type)) throw new Error(`type of ${name}`);
  const texts = new Map([
    ['null', null],
    ['""', ''],
    ['max', LONG_MAX],
  ]);
  const known = texts.get(given);
  return {
    name,
    type,
    defaultText: known === undefined ? given : known,
    range,
    mark,
    isInternal: internal === 'internal',
    documentation: documentation.trim(),
  };
};

const isSettingType = (text: string): text is SettingType =>
  (settingTypes as readonly string[]).includes(text);

/** Kafka's sentence for a bad value. */
export const invalidValue = (name: string, value: string, reason: string): ConfigError =>
  new ConfigError(`Invalid value ${value} for configuration ${name}: ${reason}`);

/** The canonical text of `text` for `setting`; throws ConfigError. */
export const checkedText = (setting: Setting, text: string): string => {
  const value = parseText(setting, text);
  checkRange(setting, value);
  return value;
};

export const splitList = (text: string): string[] =>
  text.trim() === '' ? [] : text.trim().split(/\s*,\s*/);

const parseText = ({ name, type }: Setting, text: string): string => {
  const trimmed = text.trim();
  switch (type) {
    case 'boolean': {
      const value = trimmed.toLowerCase();
      if (value === 'true' || value === 'false') return value;
      throw invalidValue(name, text, 'Expected value to be either true or false');
    }
    case 'short':
    case 'int':
    case 'long':
      return parseInteger(name, type, text);
    case 'double':
      return parseDouble(name, text);
    case 'list':
      return splitList(text).join(',');
    case 'password':
      return text;
    default:
      return trimmed;
  }
};

const integerBits = { short: 16, int: 32, long: 64 } as const;

const parseInteger = (name: string, type: 'short' | 'int' | 'long', text: string): string => {
  const trimmed = text.trim();
  const value = /^[+-]?\d{1,40}$/.test(trimmed) ? BigInt(trimmed.replace('+', '')) : null;
  if (value === null || BigInt.asIntN(integerBits[type], value) !== value)
    throw invalidValue(name, text, `Not a number of type ${type.toUpperCase()}`);
  return value.toString();
};

const parseDouble = (name: string, text: string): string => {
  const trimmed = text.trim();
  if (/^[+-]?(NaN|Infinity)$/.test(trimmed)) return String(Number(trimmed));
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/.test(trimmed))
    throw invalidValue(name, text, 'Not a number of type DOUBLE');
  return doubleText(Number(trimmed.replace(/[dDfF]$/, '')));
};

/** A double as Java writes it: 200.0, 0.5, 1.0E10. */
export const doubleText = (value: number): string => {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e7))
    return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
};

const checkRange = ({ name, type, range }: Setting, value: string): void => {
  if (range === '-') return;
  const fail = (reason: string, bad = value): never => {
    throw invalidValue(name, bad, reason);
  };
  if (range.startsWith('in:')) {
    const allowed = range.slice(3).split(',');
    const parts = type === 'list' ? splitList(value) : [value];
    const bad = parts.find((part) => !allowed.includes(part));
    if (bad !== undefined) fail(`String must be one of: ${allowed.join(', ')}`, bad);
  } else if (range === 'gzip') {
    const level = Number(value);
    if (level !== -1 && (level < 1 || level > 9))
      fail('Value must be between 1 and 9 or equal to -1');
  } else if (range === 'replicas') {
    const parts = splitList(value);
    // Empty parts are let through.
    if (parts.join('') !== '*' && !parts.every((part) => /^(\d+:\d+)?$/.test(part)))
      fail(name + REPLICAS_RULE, `[${parts.join(', ')}]`);
  } else if (range === 'counts') {
    const bad = splitList(value).find((part) => !/^.+:\d{1,9}$/.test(part));
    if (bad !== undefined) fail('Each part must be an address and a count (address:count)', bad);
  } else if (range === 'version') {
    if (!isProtocolVersion(value)) fail(`Version ${value} is not a valid version`);
  } else if (range === 'nonempty') {
    if (value === '') fail('String must be non-empty');
  } else {
    checkBounds(range, value, fail);
  }
};

const REPLICAS_RULE =
  " must be the literal '*' or a list of replicas in the following format: " +
  '[partitionId]:[brokerId],[partitionId]:[brokerId],...';

const checkBounds = (range: string, value: string, fail: (reason: string) => never): void => {
  const [min = '', max = ''] = range.split('..');
  // Bounds are small, so that a long rounded to a number still lies on the right side of them.
  if (Number(value) < Number(min)) fail(`Value must be at least ${min}`);
  if (max !== '' && Number(value) > Number(max)) fail(`Value must be no more than ${max}`);
};

/** Of each release the largest n of its `-IVn`; null: it has none. */
const releases: ReadonlyMap<string, number | null> = new Map([
  ...['0.8.0', '0.8.1', '0.8.2', '0.9.0'].map((name) => [name, null] as const),
  ...Object.entries({
    ...{ '0.10.0': 1, '0.10.1': 2, '0.10.2': 0, '0.11.0': 2, '1.0': 0, '1.1': 0 },
    ...{ '2.0': 1, '2.1': 2, '2.2': 1, '2.3': 1, '2.4': 1, '2.5': 0, '2.6': 0, '2.7': 2, '2.8': 1 },
    ...{ '3.0': 1, '3.1': 0, '3.2': 0, '3.3': 3, '3.4': 0, '3.5': 2, '3.6': 2, '3.7': 4, '3.8': 0 },
    ...{ '3.9': 0, '4.0': 1 },
  }),
]);

/** Kafka's release names: 0.8.0 to 4.0, a full one as 2.8-IV1; parts behind do not count (3.9.1). */
export const isProtocolVersion = (text: string): boolean => {
  const parts = text.split('.').slice(0, text.startsWith('0.') ? 3 : 2);
  const [release = '', iv] = parts.join('.').split('-IV');
  const ivMax = releases.get(release);
  if (iv === undefined) return ivMax !== undefined;
  return /^\d$/.test(iv) && Number(iv) <= (ivMax ?? -1);
};
