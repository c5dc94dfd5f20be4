/**
 * All messages against Kafka's own: the declarations field by field with its message
 * definitions, the codecs with bytes that its generated classes wrote (test/fixtures/wire: two
 * random values of every version of every message).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allMessages } from '../../protocol/all-messages.ts';
import { decode, encodeToBuffer } from '../../protocol/compile.ts';
import {
  type Field,
  type Fields,
  isInRange,
  type Message,
  type VersionRange,
  type Versions,
  versionRange,
} from '../../protocol/schema.ts';

const fixtures = join(__dirname, '../fixtures/wire');

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: Versions;
  readonly nullableVersions?: Versions;
  readonly taggedVersions?: Versions;
  readonly tag?: number;
  readonly default?: string | number | boolean;
  readonly ignorable?: boolean;
  readonly flexibleVersions?: string;
  readonly fields?: readonly KafkaField[];
}

interface KafkaMessage {
  readonly name: string;
  readonly validVersions: Versions;
  readonly flexibleVersions: Versions | 'none';
  readonly fields: readonly KafkaField[];
  readonly commonStructs?: readonly { name: string; fields: readonly KafkaField[] }[];
}

interface Vector {
  readonly name: string;
  readonly version: number;
  readonly json: JsonObject;
  readonly hex: string;
}

const definitions = JSON.parse(
  readFileSync(join(fixtures, 'schemas.json'), 'utf8'),
) as KafkaMessage[];
const vectors = readFileSync(join(fixtures, 'messages.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);
const messages = new Map(allMessages.map((message) => [message.name, message]));

const messageNamed = (name: string): Message => {
  const message = messages.get(name);
  if (message === undefined) throw new Error(`${name} is not declared`);
  return message;
};

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

// Both sides of the comparison of declarations as plain rows.

interface Row {
  readonly path: string;
  readonly type: string;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  readonly tag: number | null;
  readonly default: string;
  readonly ignorable: boolean;
  readonly isFlexible: boolean;
}

/** Wire types that we read in several ways. */
const wireTypes: { readonly [type: string]: string } = { timestamp: 'int64', int64Big: 'int64' };
const zeroes: { readonly [type: string]: string } = { bool: 'false', string: '', bytes: '' };

const defaultText = (value: unknown, type: string): string => {
  if (value === null) return 'null';
  if (value === undefined || value === '') {
    const isNumber = /^(u?int|float)/.test(type);
    return isNumber ? '0' : (zeroes[type] ?? '');
  }
  const text = String(value);
  return text.startsWith('0x') ? String(Number(text)) : text;
};

const ourRows = (fields: Fields, path: string): Row[] =>
  Object.entries(fields).flatMap(([name, field]) => {
    const element = field.type === 'array' ? (field.element ?? 'struct') : field.type;
    const type = wireTypes[element] ?? element;
    const row: Row = {
      path: `${path}.${name}`,
      type: field.type === 'array' ? `[]${type}` : type,
      versions: field.versions,
      nullable: field.nullable,
      tag: field.tag ?? null,
      default: defaultText(field.default, field.type === 'array' ? 'array' : type),
      ignorable: field.ignorable,
      isFlexible: field.isFlexible,
    };
    return [row, ...ourRows(field.fields ?? {}, row.path)];
  });

const kafkaRows = (definition: KafkaMessage, fields: readonly KafkaField[], path: string): Row[] =>
  fields.flatMap((field) => {
    const isArray = field.type.startsWith('[]');
    const element = isArray ? field.type.slice(2) : field.type;
    const isStruct = /^[A-Z]/.test(element);
    const common = definition.commonStructs?.find(({ name }) => name === element);
    const type = `${isArray ? '[]' : ''}${isStruct ? 'struct' : element}`;
    const row: Row = {
      path: `${path}.${lowerFirst(field.name)}`,
      type,
      versions: versionRange(field.versions),
      nullable: versionRange(field.nullableVersions ?? 'none'),
      tag: field.tag ?? null,
      default: defaultText(field.default, type),
      ignorable: field.ignorable ?? false,
      isFlexible: field.flexibleVersions !== 'none',
    };
    return [row, ...kafkaRows(definition, field.fields ?? common?.fields ?? [], row.path)];
  });

describe('the declarations', () => {
  test('are those of Kafka, no more and no fewer', () => {
    const ours = allMessages.map(({ name }) => name).sort();
    expect(ours).toEqual(definitions.map(({ name }) => name).sort());
  });

  test.each(definitions.map((definition) => [definition.name, definition] as const))(
    '%s has the fields of Kafka in its order',
    (name, definition) => {
      const message = messageNamed(name);
      expect(message.versions).toEqual(versionRange(definition.validVersions));
      expect(message.flexible).toEqual(versionRange(definition.flexibleVersions));
      expect(ourRows(message.fields, name)).toEqual(kafkaRows(definition, definition.fields, name));
    },
  );

  test('tag a field in all its versions or in none', () => {
    const check = (fields: readonly KafkaField[]): void => {
      for (const field of fields) {
        if (field.taggedVersions !== undefined) expect(field.taggedVersions).toBe(field.versions);
        check(field.fields ?? []);
      }
    };
    for (const definition of definitions) check(definition.fields);
  });
});

// Kafka's JSON form of values.

const uuidOf = (text: string): string => Buffer.from(text, 'base64').toString('base64url');

/** What Kafka's JSON says, as a value for our encoder. */
const scalarFromJson = (type: string, json: Json): unknown => {
  if (json === null) return null;
  if (type === 'bytes' || type === 'records') return Buffer.from(String(json), 'base64');
  if (type === 'uuid') return uuidOf(String(json));
  return type === 'int64Big' ? BigInt(Number(json)) : json;
};

const fieldFromJson = (field: Field, json: Json): unknown => {
  if (json === null) return null;
  if (field.type === 'struct') return fromJson(field.fields ?? {}, json as JsonObject);
  if (field.type !== 'array') return scalarFromJson(field.type, json);
  return (json as readonly Json[]).map((item) =>
    field.element === undefined
      ? fromJson(field.fields ?? {}, item as JsonObject)
      : scalarFromJson(field.element, item),
  );
};

const fromJson = (fields: Fields, json: JsonObject): { [name: string]: unknown } => {
  const value: { [name: string]: unknown } = {};
  for (const [name, item] of Object.entries(json)) {
    const field = fields[name];
    if (field === undefined) throw new Error(`Kafka has a field ${name}`);
    value[name] = fieldFromJson(field, item);
  }
  return value;
};

const zeroOf: { readonly [type: string]: unknown } = {
  bool: false,
  string: '',
  uuid: 'A'.repeat(22),
  bytes: Buffer.alloc(0),
  records: Buffer.alloc(0),
  int64Big: 0n,
};

const defaultOf = (field: Field): unknown => {
  if (field.default !== undefined) return field.default;
  if (field.type === 'array') return [];
  if (field.type !== 'struct') return field.type in zeroOf ? zeroOf[field.type] : 0;
  return withDefaults(field.fields ?? {}, {}, -1);
};

/** What decoding must give for it: the same with every absent field at its default. */
const withDefaults = (
  fields: Fields,
  value: { readonly [name: string]: unknown },
  version: number,
): { [name: string]: unknown } =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const given = value[name];
      if (given === undefined) return [name, defaultOf(field)];
      if (!isInRange(field.versions, version)) throw new Error(`${name} is not in v${version}`);
      return [name, completed(field, given, version)];
    }),
  );

const completed = (field: Field, given: unknown, version: number): unknown => {
  const fields = field.fields;
  if (fields === undefined || given === null) return given;
  type Struct = { readonly [name: string]: unknown };
  return field.type === 'array'
    ? (given as Struct[]).map((item) => withDefaults(fields, item, version))
    : withDefaults(fields, given as Struct, version);
};

describe('the bytes of Kafka', () => {
  test('are there for every version of every message', () => {
    const seen = new Set(vectors.map(({ name, version }) => `${name} ${version}`));
    for (const { name, versions } of allMessages) {
      for (let version = versions.min; version <= versions.max; version += 1) {
        expect(seen).toContain(`${name} ${version}`);
      }
    }
  });

  test.each([...messages])('%s are read and written as by Kafka', (name, message) => {
    for (const { version, json, hex } of vectors.filter((vector) => vector.name === name)) {
      const value = fromJson(message.fields, json);
      const decoded = decode(message, version, Buffer.from(hex, 'hex'));
      expect({ version, value: decoded }).toEqual({
        version,
        value: withDefaults(message.fields, value, version),
      });
      expect(encodeToBuffer(message, version, value as never).toString('hex')).toBe(hex);
      expect(encodeToBuffer(message, version, decoded as never).toString('hex')).toBe(hex);
    }
  });
});
