/**
 * Writes the JavaScript of one version of one message: a function per struct and array, each
 * field's code in wire order. Only schemas of this project get here, never anything from a peer.
 * Decoded objects list all fields in declared order, so that every version gives objects of one
 * shape. What the text may call is handed in by compile.ts.
 */
import { assert } from '../system/assert.ts';
import { type Field, type Fields, isInRange, type Message, type ScalarType } from './schema.ts';

interface Context {
  readonly message: Message;
  readonly version: number;
  readonly isFlexible: boolean;
  readonly functions: string[];
}

/** A field under its name, with its path for error messages. */
interface Named {
  readonly name: string;
  readonly path: string;
  readonly field: Field;
}

/** The body of a function that gets the helpers as parameters and returns the codec. */
export const codecSource = (message: Message, version: number): string => {
  const context: Context = {
    message,
    version,
    isFlexible: isInRange(message.flexible, version),
    functions: [],
  };
  const read = structReader(context, message.fields);
  const write = structWriter(context, message.fields, message.name);
  const functions = context.functions.join('\n');
  return `'use strict';\n${functions}\nreturn { read: ${read}, write: ${write} };`;
};

const addFunction = (
  context: Context,
  prefix: string,
  parameters: string,
  lines: readonly string[],
): string => {
  const name = `${prefix}${context.functions.length}`;
  context.functions.push(`function ${name}(${parameters}) {\n${lines.join('\n')}\n}`);
  return name;
};

const namedFields = (fields: Fields, path: string): Named[] =>
  Object.entries(fields).map(([name, field]) => {
    assert(/^[a-z]\w*$/i.test(name), `field name ${name}`);
    return { name, path: `${path}.${name}`, field };
  });

const isHere = (context: Context, field: Field): boolean =>
  isInRange(field.versions, context.version);

const isNullable = (context: Context, field: Field): boolean =>
  isInRange(field.nullable, context.version);

const taggedHere = (context: Context, all: readonly Named[]): Named[] =>
  all
    .filter(({ field }) => field.tag !== undefined && isHere(context, field))
    .sort((a, b) => (a.field.tag ?? 0) - (b.field.tag ?? 0));

// Defaults.

const zeroes: Record<ScalarType, string> = {
  bool: 'false',
  int8: '0',
  int16: '0',
  uint16: '0',
  int32: '0',
  int64: '0',
  timestamp: '0',
  int64Big: '0n',
  float64: '0',
  string: "''",
  uuid: "'AAAAAAAAAAAAAAAAAAAAAA'",
  bytes: 'emptyBytes',
  records: 'emptyBytes',
};

const scalarDefault = (field: Field, type: ScalarType): string => {
  const value = field.default;
  if (value === undefined) return zeroes[type];
  if (typeof value === 'bigint') return `${value}n`;
  assert(!Buffer.isBuffer(value), 'a default of bytes');
  return JSON.stringify(value);
};

/**
 * The default as decoding gives it: complete, and nothing in it is shared that somebody might
 * change.
 */
const decodedDefault = (field: Field): string => {
  if (field.default === null) return 'null';
  if (field.type === 'array') return '[]';
  if (field.type !== 'struct') return scalarDefault(field, field.type);
  const members = Object.entries(field.fields ?? {}).map(
    ([name, member]) => `${name}: ${decodedDefault(member)}`,
  );
  return `{ ${members.join(', ')} }`;
};

/** The default as encoding takes it, where an empty struct is one of all defaults. */
const encodedDefault = (field: Field): string => {
  if (field.default === null) return 'null';
  if (field.type === 'array') return 'emptyArray';
  return field.type === 'struct' ? 'emptyStruct' : scalarDefault(field, field.type);
};

/** An expression: whether `variable`, which is not undefined, holds the field's default. */
const isDefault = (context: Context, named: Named, variable: string): string => {
  const { field } = named;
  if (field.default === null) return `${variable} === null`;
  if (field.type === 'struct') {
    return `${variable} !== null && ${defaultCheck(context, named)}(${variable})`;
  }
  const hasLength = field.type === 'array' || field.type === 'bytes' || field.type === 'records';
  if (!hasLength) return `${variable} === ${scalarDefault(field, field.type as ScalarType)}`;
  const size = field.type === 'records' ? `recordsBytes(${variable})` : `${variable}.length`;
  return `${variable} !== null && ${size} === 0`;
};

const defaultCheck = (context: Context, { field, path }: Named): string => {
  const checks = namedFields(field.fields ?? {}, path).map((member) => {
    const value = `value.${member.name}`;
    return `(${value} === undefined || (${isDefault(context, member, value)}))`;
  });
  return addFunction(context, 'isDefault', 'value', [`return ${checks.join(' && ') || 'true'};`]);
};

// Reading.

const lengthKind = (context: Context, field: Field): 'compactLength' | 'length16' | 'length32' => {
  if (context.isFlexible && field.isFlexible) return 'compactLength';
  return field.type === 'string' ? 'length16' : 'length32';
};

const structReader = (context: Context, fields: Fields): string => {
  const all = namedFields(fields, '');
  const variable = new Map(all.map(({ name }, index) => [name, `f${index}`]));
  const lines: string[] = [];
  for (const { name, field } of all) {
    const isInOrder = field.tag === undefined && isHere(context, field);
    const value = isInOrder ? readExpression(context, field, false) : decodedDefault(field);
    lines.push(`let ${variable.get(name)} = ${value};`);
  }
  if (context.isFlexible) lines.push(...tagReader(context, all, variable));
  const members = all.map(({ name }) => `${name}: ${variable.get(name)}`);
  lines.push(`return { ${members.join(', ')} };`);
  return addFunction(context, 'read', 'reader', lines);
};

/**
 * The tag section. The size of a known tag is not compared with what its value took, as in
 * Kafka.
 */
const tagReader = (
  context: Context,
  all: readonly Named[],
  variable: ReadonlyMap<string, string>,
): string[] => {
  const tagged = all.filter(({ field }) => field.tag !== undefined);
  if (tagged.length === 0) return ['reader.skipTags();'];
  const cases = tagged.map(({ name, field }) => {
    const action = isHere(context, field)
      ? `${variable.get(name)} = ${readExpression(context, field, true)}; break;`
      : `throw tagError(${field.tag});`;
    return `case ${field.tag}: ${action}`;
  });
  return [
    'for (let left = reader.uvarint(); left > 0; left -= 1) {',
    'const tag = reader.uvarint();',
    'const size = reader.uvarint();',
    'switch (tag) {',
    ...cases,
    'default: reader.skip(size);',
    '}',
    '}',
  ];
};

const readExpression = (context: Context, field: Field, isTagged: boolean): string => {
  const canBeNull = isNullable(context, field);
  if (field.type === 'array') return `${arrayReader(context, field)}(reader)`;
  if (field.type === 'struct') {
    const read = `${structReader(context, field.fields ?? {})}(reader)`;
    if (!canBeNull) return read;
    return isTagged
      ? `reader.uvarint() === 0 ? null : ${read}`
      : `reader.int8() < 0 ? null : ${read}`;
  }
  if (field.type !== 'string' && field.type !== 'bytes' && field.type !== 'records') {
    return `reader.${field.type}()`;
  }
  const method = field.type === 'string' ? 'string' : 'bytes';
  const length = `reader.${lengthKind(context, field)}()`;
  if (!canBeNull) return `reader.${method}(${length})`;
  const name = addFunction(context, 'read', 'reader', [
    `const length = ${length};`,
    `return length < 0 ? null : reader.${method}(length);`,
  ]);
  return `${name}(reader)`;
};

const arrayReader = (context: Context, field: Field): string => {
  const element = readExpression(context, elementOf(field), false);
  return addFunction(context, 'read', 'reader', [
    `const length = reader.${lengthKind(context, field)}();`,
    isNullable(context, field) ? 'if (length < 0) return null;' : '',
    'const items = [];',
    `for (let left = reader.count(length); left > 0; left -= 1) items.push(${element});`,
    'return items;',
  ]);
};

/** The element of an array as a field that is always there and never null. */
const elementOf = (field: Field): Field => ({
  ...field,
  type: field.element ?? 'struct',
  nullable: { min: 0, max: -1 },
  default: undefined,
  element: undefined,
});

// Writing.

const structWriter = (context: Context, fields: Fields, path: string): string => {
  const all = namedFields(fields, path);
  const lines: string[] = [];
  for (const named of all) {
    if (!isHere(context, named.field)) lines.push(...absenceCheck(context, named));
    else if (named.field.tag === undefined) {
      lines.push('{', givenValue(named), ...writeLines(context, named, 'given', 'writer'), '}');
    }
  }
  if (context.isFlexible) lines.push(...tagWriter(context, taggedHere(context, all)));
  return addFunction(context, 'write', 'writer, value', lines);
};

const givenValue = ({ name, field }: Named, variable = 'given'): string =>
  `let ${variable} = value.${name};\n` +
  `if (${variable} === undefined) ${variable} = ${encodedDefault(field)};`;

/** Refuses what this version would lose, unless the schema says that the loss is harmless. */
const absenceCheck = (context: Context, named: Named): string[] => {
  if (named.field.ignorable) return [];
  const given = `value.${named.name}`;
  return [
    `if (${given} !== undefined && !(${isDefault(context, named, given)})) {`,
    `throw versionError('${named.path}');`,
    '}',
  ];
};

const tagWriter = (context: Context, tagged: readonly Named[]): string[] => {
  if (tagged.length === 0) return ['writer.byte(0);'];
  const lines: string[] = ['let tags = 0;'];
  tagged.forEach((named, index) => {
    lines.push(
      givenValue(named, `tagged${index}`),
      `const has${index} = !(${isDefault(context, named, `tagged${index}`)});`,
      `if (has${index}) tags += 1;`,
    );
  });
  lines.push('writer.uvarint(tags);');
  tagged.forEach((named, index) => {
    lines.push(
      `if (has${index}) {`,
      'const content = new Writer(64);',
      ...writeLines(context, named, `tagged${index}`, 'content', true),
      `writer.tagged(${named.field.tag}, content);`,
      '}',
    );
  });
  return lines;
};

/** Statements that write `variable`, which is not undefined. */
const writeLines = (
  context: Context,
  named: Named,
  variable: string,
  writer: string,
  isTagged = false,
): string[] => {
  const { field, path } = named;
  if (!canBeGivenAsNull.has(field.type)) return [`${writer}.${field.type}(${variable});`];
  const whenNull = isNullable(context, field)
    ? writeNull(context, field, writer, isTagged)
    : `throw nullError('${path}');`;
  return [
    `if (${variable} === null) { ${whenNull} } else {`,
    ...writePresent(context, named, variable, writer),
    '}',
  ];
};

/** The types whose writers do not refuse null themselves. */
const canBeGivenAsNull: ReadonlySet<Field['type']> = new Set([
  'string',
  'uuid',
  'bytes',
  'records',
  'array',
  'struct',
]);

const writeNull = (context: Context, field: Field, writer: string, isTagged: boolean): string => {
  if (field.type === 'struct') return isTagged ? `${writer}.byte(0);` : `${writer}.int8(-1);`;
  return `${writer}.${lengthKind(context, field)}(-1);`;
};

const writePresent = (
  context: Context,
  named: Named,
  variable: string,
  writer: string,
): string[] => {
  const { field, path } = named;
  const kind = lengthKind(context, field);
  switch (field.type) {
    case 'string':
      return [`${writer}.${kind === 'compactLength' ? 'compactString' : 'string'}(${variable});`];
    case 'bytes':
      return [`${writer}.${kind}(${variable}.length);`, `${writer}.bytes(${variable});`];
    case 'records':
      return [`${writer}.${kind}(recordsBytes(${variable}));`, `${writer}.records(${variable});`];
    case 'array':
      return [`${arrayWriter(context, named)}(${writer}, ${variable});`];
    case 'struct': {
      const mark = isNullable(context, field) ? [`${writer}.byte(1);`] : [];
      const write = structWriter(context, field.fields ?? {}, path);
      return [...mark, `${write}(${writer}, ${variable});`];
    }
    default:
      return [`${writer}.${field.type}(${variable});`];
  }
};

const arrayWriter = (context: Context, named: Named): string => {
  const element = { ...named, path: `${named.path}[]`, field: elementOf(named.field) };
  return addFunction(context, 'write', 'writer, items', [
    `writer.${lengthKind(context, named.field)}(items.length);`,
    'for (let index = 0; index < items.length; index += 1) {',
    'const item = items[index];',
    ...writeLines(context, element, 'item', 'writer'),
    '}',
  ]);
};
