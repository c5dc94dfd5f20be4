/** `barnabas`: what Kafka's own tools have no name for. */
import { Command } from 'commander';
import { program } from '../system/process.ts';
import { runProgram } from './failures.ts';
import { labCommand } from './lab.ts';

await runProgram(async () => {
  const barnabas = new Command('barnabas')
    .description("Apache Kafka's ZooKeeper-mode broker cluster on Node.js")
    .addCommand(labCommand());
  await barnabas.parseAsync(program.arguments, { from: 'user' });
});
