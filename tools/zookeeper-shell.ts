/** The program zookeeper-shell. */
import { program } from '../system/process.ts';
import { runTool } from './cli.ts';
import { zookeeperShell } from './zookeeper-shell/command.ts';

await runTool((system, terminal, args) =>
  zookeeperShell(system, terminal, args, program.openLineEditor),
);
