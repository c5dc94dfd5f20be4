/** All commands of the shell by name, and the help that lists them. */
import { accessCommands } from './access-commands.ts';
import type { Command } from './call.ts';
import { ensembleCommands } from './ensemble-commands.ts';
import { nodeCommands } from './node-commands.ts';
import { quotaCommands } from './quota-commands.ts';
import { watchCommands } from './watch-commands.ts';

/** Those that need a session. */
const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    ...nodeCommands,
    ...accessCommands,
    ...watchCommands,
    ...quotaCommands,
    ...ensembleCommands,
  }),
);

/** Those that the shell itself carries out, with their arguments. */
const ownCommands: ReadonlyMap<string, string> = new Map([
  ['close', ''],
  ['connect', 'host:port'],
  ['history', ''],
  ['printwatches', 'on|off'],
  ['quit', ''],
  ['redo', 'cmdno'],
]);

export const commandOf = (name: string): Command | undefined => commands.get(name);

export const isCommand = (name: string): boolean => commands.has(name) || ownCommands.has(name);

/** In the order of the help. */
export const commandNames: readonly string[] = [...commands.keys(), ...ownCommands.keys()].sort();

/** What an unknown command, help among them, is answered with. */
export const helpText = (): string => {
  const lines = commandNames.map(
    (name) => `\t${name} ${commands.get(name)?.usage ?? ownCommands.get(name)}\n`,
  );
  return `ZooKeeper -server host:port [-zk-tls-config-file <file>] cmd args\n${lines.join('')}`;
};
