/** Settings given as files and as key=value words, the way Kafka's tools take them. */
import { parseProperties } from '../../broker/config/properties.ts';
import type { System } from '../../system/system.ts';
import { JavaFailure } from './java-failure.ts';

export type Properties = Map<string, string>;

/** A .properties file; the failure is Java's. */
export const readProperties = async (system: System, path: string | null): Promise<Properties> => {
  if (path === null) return new Map();
  const text = await system.disk.readFile(path);
  if (text === null) throw new JavaFailure('java.nio.file.NoSuchFileException', path);
  return parseProperties(text.toString('utf8'));
};

/** `key=value` words; a word without a value counts as empty. */
export const keyValues = (words: readonly string[]): Properties => {
  const properties: Properties = new Map();
  for (const word of words) {
    if (word === '') continue;
    const separator = word.indexOf('=');
    if (separator < 0) properties.set(word, '');
    else properties.set(word.slice(0, separator), word.slice(separator + 1));
  }
  return properties;
};
