/**
 * Reading the JSON of znodes as strictly as Kafka does: an integer must be one, a string a string, nothing is
 * coerced, unknown keys are ignored. Whatever does not fit throws `ZnodeFormatError`.
 */

/** A znode whose bytes are not what they should be. */
export class ZnodeFormatError extends Error {
  override readonly name = 'ZnodeFormatError';
}

export type JsonObject = { readonly [key: string]: unknown };

const INT_MAX = 2 ** 31 - 1;

/** Compact UTF-8 JSON; keys in the order in which they were put into the object. */
export const encodeJson = (value: object): Buffer => Buffer.from(JSON.stringify(value));

export const decodeJson = (data: Buffer): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch (cause) {
    throw new ZnodeFormatError('not JSON', { cause });
  }
  return asObject(value, 'the znode');
};

export const asObject = (value: unknown, name: string): JsonObject => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ZnodeFormatError(`${name} is no object`);
  }
  return value as JsonObject;
};

export const asArray = (value: unknown, name: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw new ZnodeFormatError(`${name} is no array`);
  return value;
};

export const asString = (value: unknown, name: string): string => {
  if (typeof value !== 'string') throw new ZnodeFormatError(`${name} is no string`);
  return value;
};

/** An integer of 32 bits. */
export const asInt = (value: unknown, name: string): number => {
  const number = asLong(value, name);
  if (number > INT_MAX || number < -INT_MAX - 1) throw new ZnodeFormatError(`${name} is too large`);
  return number;
};

/** An integer that a number holds exactly. */
export const asLong = (value: unknown, name: string): number => {
  if (!Number.isSafeInteger(value)) throw new ZnodeFormatError(`${name} is no integer`);
  return value as number;
};

export const asInts = (value: unknown, name: string): number[] =>
  asArray(value, name).map((item) => asInt(item, name));

/** A decimal integer written as text, as timestamps and producer ids are. */
export const asDecimal = (value: unknown, name: string): bigint => {
  const text = asString(value, name);
  if (!/^-?\d{1,19}$/.test(text)) throw new ZnodeFormatError(`${name} is no number`);
  return BigInt(text);
};
