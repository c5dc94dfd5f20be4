/** What may stand at the end of a line that is being typed: a command, or a node (JLineZNodeCompleter). */
import { ZooKeeperError } from '../../zookeeper/errors.ts';
import type { ShellClient } from './client.ts';
import { commandNames } from './commands.ts';
import { CommandFailure } from './failures.ts';
import { childOf } from './paths.ts';

/** What can replace the last word of `line`, and that word. Nothing when the node cannot be read. */
export const complete = async (
  line: string,
  client: ShellClient | null,
): Promise<readonly [readonly string[], string]> => {
  const word = line.slice(line.lastIndexOf(' ') + 1);
  if (word.startsWith('/')) return [await nodesFor(word, client), word];
  // Only the first word is a command.
  const names = word === line ? commandNames.filter((name) => name.startsWith(word)) : [];
  return [names, word];
};

const nodesFor = async (word: string, client: ShellClient | null): Promise<string[]> => {
  const parent = word.slice(0, word.lastIndexOf('/')) || '/';
  try {
    const { children = [] } = (await client?.getChildren(parent)) ?? {};
    return children.map((name) => childOf(parent, name)).filter((path) => path.startsWith(word));
  } catch (error) {
    if (error instanceof ZooKeeperError || error instanceof CommandFailure) return [];
    throw error;
  }
};
