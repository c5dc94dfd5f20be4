/** The program kafka-console-producer. */
import { runTool } from './cli.ts';
import { consoleProducer } from './console-producer/command.ts';

await runTool(consoleProducer);
