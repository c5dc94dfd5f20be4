/** The program kafka-console-consumer. */
import { runTool } from './cli.ts';
import { consoleConsumer } from './console-consumer/command.ts';

await runTool(consoleConsumer);
