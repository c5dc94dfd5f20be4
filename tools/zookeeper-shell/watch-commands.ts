/** The commands about watches and a session's own nodes: addWatch removewatches getEphemerals getAllChildrenNumber. */
import { argOf, type Command } from './call.ts';
import { CommandFailure } from './failures.ts';

const kinds = { PERSISTENT: 'persistent', PERSISTENT_RECURSIVE: 'recursive' } as const;
const DEFAULT_KIND = 'PERSISTENT_RECURSIVE';
const ADD_WATCH_USAGE = `[-m mode] path # optional mode is one of [${Object.keys(kinds).join(', ')}] - default is ${DEFAULT_KIND}`;

const addWatch: Command = {
  usage: ADD_WATCH_USAGE,
  options: { m: true },
  wordCountMin: 2,
  wordCountMax: 2,
  async run(call) {
    const mode = call.options.get('m')?.toUpperCase() ?? DEFAULT_KIND;
    const kind = (kinds as Readonly<Record<string, 'persistent' | 'recursive'>>)[mode];
    if (kind === undefined) throw new CommandFailure(`addWatch ${ADD_WATCH_USAGE}`);
    await call.client.addWatch(argOf(call, 1), kind);
  },
};

const removeWatches: Command = {
  usage: 'path [-c|-d|-a] [-l]',
  options: { c: false, d: false, a: false, l: false },
  wordCountMin: 2,
  async run(call) {
    const { client, options } = call;
    const path = argOf(call, 1);
    const type = options.has('c') ? 'child' : options.has('d') ? 'data' : 'any';
    const events = await client.removeWatches(path, type, options.has('l'));
    for (const event of events) call.tellWatch(event, path);
  },
};

const getEphemerals: Command = {
  usage: 'path',
  async run({ client, printer, args }) {
    printer.out(`[${(await client.getEphemerals(args[1] ?? '/')).join(', ')}]\n`);
  },
};

const getAllChildrenNumber: Command = {
  usage: 'path',
  wordCountMin: 2,
  async run(call) {
    call.printer.out(`${await call.client.getAllChildrenNumber(argOf(call, 1))}\n`);
  },
};

export const watchCommands = {
  addWatch,
  removewatches: removeWatches,
  getEphemerals,
  getAllChildrenNumber,
};
