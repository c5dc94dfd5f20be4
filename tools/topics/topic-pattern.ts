/**
 * Which topics `--topic` means: a Java expression over the whole name, where a comma stands for
 * "or" (Kafka's TopicFilter).
 */
import { JavaFailure } from '../options/java-failure.ts';
import { javaPattern } from '../options/java-pattern.ts';

/** A test for topic names. Throws JavaFailure for an expression that cannot be read. */
export const topicPattern = (text: string): ((name: string) => boolean) => {
  const source = text
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+|["']+$/g, '');
  const pattern = javaPattern(source);
  if (pattern === null) {
    throw new JavaFailure('java.lang.RuntimeException', `${source} is an invalid regex.`);
  }
  return (name) => pattern.test(name);
};
