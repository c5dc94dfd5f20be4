/** How our programs fail: one plain sentence on standard error that says what to do, and an exit code. */
import { program } from '../system/process.ts';
import type { System } from '../system/system.ts';

/** A failure whose message is all that the user needs to read. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** What Node's errors carry, as far as a sentence needs it. */
interface SystemFailure {
  readonly code?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
}

/** The sentence for an error, without a stack where the cause is outside of us. */
export const sentenceOf = (error: unknown): string => {
  const { code, syscall, address, hostname, port, path } = error as SystemFailure;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is taken by another process: stop it, or choose another port.`;
    case 'EADDRNOTAVAIL':
      return `${address} is no address of this machine: correct the host in listeners.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host ${hostname} is not known: correct its name, or see to the name service.`;
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
      if (syscall === 'listen')
        return `This user may not listen on port ${port}: choose another one.`;
      return `${path ?? 'A file'} cannot be written: give this user the right to, or choose another folder.`;
    case 'EEXIST':
    case 'ENOTDIR':
      return `${path} cannot be made, for a file is in its way: choose another folder.`;
    case 'ENOSPC':
      return `The disk that holds ${path ?? 'the data'} is full: make room and start again.`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
};

/** The text of a settings file that was named on the command line. */
export const readSettingsFile = async (system: System, path: string): Promise<string> => {
  let text: Buffer | null;
  try {
    text = await system.disk.readFile(path);
  } catch (error) {
    if ((error as SystemFailure).code !== 'EISDIR') throw error;
    throw new UserError(`${path} is a folder: name the file with the settings.`);
  }
  if (text === null) throw new UserError(`There is no file ${path}.`);
  return text.toString('utf8');
};

/** Runs a program's main function; a failure ends the process with code 1. */
export const runProgram = async (main: () => Promise<void>): Promise<void> => {
  try {
    await main();
  } catch (error) {
    await program.printError(`${sentenceOf(error)}\n`);
    program.exit(1);
  }
};
