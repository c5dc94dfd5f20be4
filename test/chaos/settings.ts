/** How much the chaos runs do, and with which ZooKeeper; from the environment. */
import type { ProcessClusterOptions } from '../integration/processes.ts';

/** CHAOS_ROUNDS: how often each kill is repeated. */
export const rounds = Number(process.env.CHAOS_ROUNDS ?? 10);

/** CHAOS_ZOOKEEPER: a command that takes a port and a folder and runs a ZooKeeper in the foreground. */
const command = process.env.CHAOS_ZOOKEEPER?.split(' ');

export const zooKeepers: readonly (readonly [name: string, ProcessClusterOptions])[] = [
  ['the embedded ZooKeeper', {}],
  ...(command === undefined
    ? []
    : ([['another ZooKeeper', { zooKeeperCommand: command }]] as const)),
];
