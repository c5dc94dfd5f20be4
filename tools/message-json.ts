/**
 * Decoded messages as Kafka's JSON converters print them: the fields that a version has, in their
 * order, bytes as base64; and as the text that Jackson makes of it.
 */
import { type Fields, isInRange } from '../protocol/schema.ts';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** The fields that the version has. */
export const jsonOfFields = (
  fields: Fields,
  version: number,
  value: Readonly<Record<string, unknown>>,
): Record<string, Json> => {
  const json: Record<string, Json> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (isInRange(field.versions, version)) json[name] = jsonOf(field.fields, version, value[name]);
  }
  return json;
};

const jsonOf = (fields: Fields | undefined, version: number, value: unknown): Json => {
  if (Array.isArray(value)) return value.map((item) => jsonOf(fields, version, item));
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (fields === undefined || value === null) return value as Json;
  return jsonOfFields(fields, version, value as Record<string, unknown>);
};

/** Jackson writes control characters with capital digits. */
export const jsonText = (json: Json): string =>
  JSON.stringify(json).replace(/\\(?:u00([0-9a-f]{2})|.)/g, (text, digits?: string) =>
    digits === undefined ? text : `\\u00${digits.toUpperCase()}`,
  );
