/** Which names a topic may have (Kafka's Topic.validate). */

const LENGTH_MAX = 249;

/** What is wrong with a topic's name, in Kafka's words; null when nothing is. */
export const topicNameProblem = (name: string): string | null => {
  const problem = (text: string): string => `Topic name is invalid: ${text}`;
  if (name === '') return problem('the empty string is not allowed');
  if (name === '.' || name === '..') return problem(`'${name}' is not allowed`);
  if (name.length > LENGTH_MAX)
    return problem(`the length of '${name}' is longer than the max allowed length ${LENGTH_MAX}`);
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return problem(
      `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`,
    );
  return null;
};
