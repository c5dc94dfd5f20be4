/**
 * kafka-console-consumer: records on standard output until enough have come, none come any more, or
 * somebody stops it. The count of records is told at the end in any case. Exit code 0 also when
 * polling fails, as in Kafka.
 */
import {
  type Consumer,
  type ConsumerRecord,
  createConsumer,
  ProtocolError,
  TimeoutError,
  Wakeup,
} from '../../client/index.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { System } from '../../system/system.ts';
import { answerHelp, printUsage, signalExitCode, type Terminal, UsageError } from '../cli.ts';
import { consumerOptions } from '../options/client-settings.ts';
import { failureText, JavaFailure, messageOf } from '../options/java-failure.ts';
import { javaPattern } from '../options/java-pattern.ts';
import { type ParsedOptions, parseOptions } from '../options/parser.ts';
import { loggingSystem, logLine } from '../output.ts';
import type { Formatter } from './formatter.ts';
import { formatterOf } from './formatters.ts';
import {
  type ConsumerPlan,
  consumerToolOptions,
  formatterProperties,
  PlainError,
  planConsumer,
} from './options.ts';
import { OutputBuffer } from './output-buffer.ts';

const PURPOSE = 'This tool helps to read data from Kafka topics and outputs it to standard output.';
const LOGGER = 'org.apache.kafka.tools.consumer.ConsoleConsumer';

export const consoleConsumer = async (
  system: System,
  terminal: Terminal,
  args: readonly string[],
): Promise<number> => {
  const usage = (message: string): Promise<number> =>
    printUsage(terminal, consumerToolOptions, message);
  if (args.length === 0) return usage(PURPOSE);
  let options: ParsedOptions;
  try {
    options = parseOptions(consumerToolOptions, args);
  } catch (error) {
    return usage(messageOf(error));
  }
  const help = { table: consumerToolOptions, purpose: PURPOSE };
  const answered = await answerHelp(terminal, options, help);
  if (answered !== null) return answered;
  try {
    const plan = await planConsumer(system, options);
    const formatter = await createFormatter(system, terminal, options);
    return await run(system, terminal, { options, plan, formatter });
  } catch (error) {
    if (error instanceof UsageError) return usage(error.message);
    const isPlain = error instanceof PlainError;
    await terminal.printError(
      isPlain ? `${error.message}\n` : `Exception in thread "main" ${failureText(error)}`,
    );
    return 1;
  }
};

const createFormatter = async (
  system: System,
  terminal: Terminal,
  options: ParsedOptions,
): Promise<Formatter> => {
  const javaClass = options.value('formatter') ?? '';
  const properties = await formatterProperties(system, options);
  const found = formatterOf(javaClass);
  if (found === null) throw new UsageError(javaClass);
  if (found.warning !== null) await terminal.printError(found.warning);
  return found.create(properties, (message, loggerName, failure) => {
    const line = logLine(system.clock.nowMs(), 'ERROR', message, loggerName);
    void terminal.printError(line + failure);
  });
};

interface Job {
  readonly options: ParsedOptions;
  readonly plan: ConsumerPlan;
  readonly formatter: Formatter;
}

const run = async (system: System, terminal: Terminal, job: Job): Promise<number> => {
  const { options } = job;
  let exitCode = 0;
  try {
    const clientSystem = loggingSystem(
      system,
      'org.apache.kafka.clients.consumer.KafkaConsumer',
      (line) => void terminal.printError(line),
    );
    const consumer = createSubscribed(clientSystem, job.plan);
    terminal.onSignal(['SIGINT', 'SIGTERM'], (signal) => {
      exitCode = signalExitCode(signal);
      consumer.wakeup();
    });
    const reader = new RecordPrinter(system, { terminal, consumer, formatter: job.formatter });
    try {
      await reader.read(options);
    } finally {
      await reader.giveBack();
      await consumer.close();
      await terminal.printError(`Processed a total of ${reader.count} messages\n`);
    }
  } catch (error) {
    const message = 'Unknown error when running consumer: ';
    const line = logLine(system.clock.nowMs(), 'ERROR', message, LOGGER);
    await terminal.printError(line + failureText(error));
    exitCode = 1;
  }
  if (options.has('enable-systest-events')) await terminal.print('shutdown_complete\n');
  return exitCode;
};

/** A consumer that knows what it is to read. */
const createSubscribed = (system: System, plan: ConsumerPlan): Consumer => {
  const { topic, include, partition, start, properties } = plan;
  const pattern = include === null ? null : includePattern(include);
  const consumer = openConsumer(system, properties);
  if (pattern !== null) consumer.subscribe(pattern);
  else if (topic !== null && partition === null) consumer.subscribe([topic]);
  else if (topic !== null && partition !== null) {
    const place = { topic, partition };
    consumer.assign([place]);
    if (start === 'earliest') consumer.seekToBeginning([place]);
    else if (start === 'latest') consumer.seekToEnd([place]);
    else consumer.seek(place, start);
  }
  return consumer;
};

const openConsumer = (system: System, properties: ConsumerPlan['properties']): Consumer => {
  const settings = consumerOptions(properties);
  try {
    return createConsumer(system, settings);
  } catch (cause) {
    const message = 'Failed to construct kafka consumer';
    throw new JavaFailure('org.apache.kafka.common.KafkaException', message, { cause });
  }
};

const includePattern = (source: string): RegExp => {
  const pattern = javaPattern(source);
  if (pattern !== null) return pattern;
  const isClassOpen = /\[[^\]]*$/.test(source);
  const reason = isClassOpen
    ? `Unclosed character class near index ${source.length - 1}`
    : 'Illegal pattern';
  const pointer = isClassOpen ? `\n${' '.repeat(source.length - 1)}^` : '';
  throw new JavaFailure('java.util.regex.PatternSyntaxException', `${reason}\n${source}${pointer}`);
};

/** Polls, formats and writes; knows which records have been taken. */
class RecordPrinter {
  count = 0;
  readonly #system: System;
  readonly #terminal: Terminal;
  readonly #consumer: Consumer;
  readonly #formatter: Formatter;
  readonly #output = new OutputBuffer();
  /** Polled and not taken yet, from `#next` on. */
  #records: readonly ConsumerRecord[] = [];
  #next = 0;

  constructor(
    system: System,
    parts: { terminal: Terminal; consumer: Consumer; formatter: Formatter },
  ) {
    this.#system = system;
    this.#terminal = parts.terminal;
    this.#consumer = parts.consumer;
    this.#formatter = parts.formatter;
  }

  /** Returns at the end; throws what a record that cannot be formatted causes. */
  async read(options: ParsedOptions): Promise<void> {
    const countMax = options.number('max-messages') ?? -1;
    const timeoutMs = options.number('timeout-ms') ?? -1;
    const skipsErrors = options.has('skip-message-on-error');
    while (this.count < countMax || countMax === -1) {
      if (!(await this.#poll(timeoutMs < 0 ? Number.MAX_SAFE_INTEGER : timeoutMs))) return;
      try {
        await this.#take(countMax, skipsErrors);
      } catch (error) {
        // What came before the record that failed has been read, and is shown.
        await this.#flush();
        throw error;
      }
      if (!(await this.#flush())) return;
    }
  }

  /** Unread records are read again by whoever comes next: their offsets must not be committed. */
  async giveBack(): Promise<void> {
    const seen = new Set<string>();
    for (const { topic, partition, offset } of this.#records.slice(this.#next)) {
      const name = `${topic}-${partition}`;
      if (seen.has(name)) continue;
      seen.add(name);
      this.#consumer.seek({ topic, partition }, offset);
    }
  }

  /** False when there is nothing more to come; the reason has been told. */
  async #poll(timeoutMs: number): Promise<boolean> {
    try {
      this.#records = await this.#consumer.poll(timeoutMs);
      this.#next = 0;
      if (this.#records.length === 0) throw new TimeoutError('');
      return true;
    } catch (error) {
      if (error instanceof Wakeup) return false;
      await this.#logError('Error processing message, terminating consumer process: ', error);
      return false;
    }
  }

  async #take(countMax: number, skipsErrors: boolean): Promise<void> {
    while (this.#next < this.#records.length && (this.count < countMax || countMax === -1)) {
      const record = this.#records[this.#next++] as ConsumerRecord;
      this.count++;
      try {
        this.#formatter.write(record, this.#output);
      } catch (error) {
        if (!skipsErrors) throw error;
        await this.#logError('Error processing message, skipping this message: ', error);
      }
    }
  }

  /** False when nobody reads any more. */
  async #flush(): Promise<boolean> {
    if (this.#output.length === 0) return true;
    const isWritten = await this.#terminal.print(this.#output.content());
    this.#output.clear();
    if (!isWritten) {
      await this.#terminal.printError('Unable to write to standard out, closing consumer.\n');
    }
    return isWritten;
  }

  async #logError(message: string, error: unknown): Promise<void> {
    const line = logLine(this.#system.clock.nowMs(), 'ERROR', message, LOGGER);
    await this.#terminal.printError(line + failureText(this.#pollFailure(error)));
  }

  /** Java names the topics that are not valid. */
  #pollFailure(error: unknown): unknown {
    const isInvalid =
      error instanceof ProtocolError && error.code === errorCodes.INVALID_TOPIC_EXCEPTION;
    if (!isInvalid) return error;
    return new ProtocolError(error.code, `Invalid topics: [${this.#consumer.subscription()}]`);
  }
}
