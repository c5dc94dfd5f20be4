/** The program kafka-dump-log. */
import { program } from '../system/process.ts';
import { runTool } from './cli.ts';
import { dumpLogIn } from './dump-log/command.ts';

await runTool(dumpLogIn(program.workingDirectory));
