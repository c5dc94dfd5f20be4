/** The program kafka-topics. */
import { runTool } from './cli.ts';
import { topics } from './topics/command.ts';

await runTool(topics);
