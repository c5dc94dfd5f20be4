/** JSON with 64-bit integers, laid out as ZooKeeper's admin server does (Jackson's indented output). */

export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

export const jsonText = (value: Json, indent = ''): string => {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) {
    if (value.length === 0) return '[ ]';
    return `[ ${value.map((item) => jsonText(item, indent)).join(', ')} ]`;
  }
  const inner = `${indent}  `;
  const fields = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)} : ${jsonText(item, inner)}`,
  );
  return fields.length === 0 ? '{ }' : `{\n${fields.join(',\n')}\n${indent}}`;
};

const isList = (value: object): value is readonly Json[] => Array.isArray(value);
