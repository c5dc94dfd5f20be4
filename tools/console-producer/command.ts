/**
 * kafka-console-producer: lines of standard input become records. Records that fail later are told
 * of and passed over, as Kafka does; the exit code stays 0.
 */
import {
  createProducer,
  type Producer,
  type ProducerRecord,
  ProtocolError,
  TimeoutError,
} from '../../client/index.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { System } from '../../system/system.ts';
import { answerHelp, printUsage, signalExitCode, type Terminal, UsageError } from '../cli.ts';
import { producerOptions } from '../options/client-settings.ts';
import { failureText, JavaFailure, javaClassOf, messageOf } from '../options/java-failure.ts';
import { type ParsedOptions, ParseError, parseOptions } from '../options/parser.ts';
import { loggingSystem, logLine } from '../output.ts';
import { LineReader } from './line-reader.ts';
import { LineSplitter } from './lines.ts';
import {
  checkProducerOptions,
  LINE_READER,
  producerProperties,
  producerToolOptions,
  readerProperties,
} from './options.ts';

const PURPOSE = 'This tool helps to read data from standard input and publish it to Kafka.';

export const consoleProducer = async (
  system: System,
  terminal: Terminal,
  args: readonly string[],
): Promise<number> => {
  let options: ParsedOptions;
  try {
    options = parseOptions(producerToolOptions, args);
    const help = { table: producerToolOptions, purpose: PURPOSE };
    const answered = await answerHelp(terminal, options, help);
    if (answered !== null) return answered;
    checkProducerOptions(options);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ParseError)) throw error;
    return printUsage(terminal, producerToolOptions, error.message);
  }
  try {
    return await produce(system, terminal, options);
  } catch (error) {
    const text = error instanceof ParseError ? `${error.message}\n` : failureText(error);
    await terminal.printError(text);
    return 1;
  }
};

const produce = async (
  system: System,
  terminal: Terminal,
  options: ParsedOptions,
): Promise<number> => {
  const readerClass = options.value('line-reader') ?? '';
  const reader = new LineReader(await readerProperties(system, options));
  const settings = producerOptions(await producerProperties(system, options));
  if (readerClass !== LINE_READER) {
    throw new JavaFailure('java.lang.ClassNotFoundException', readerClass);
  }
  const clientSystem = loggingSystem(
    system,
    'org.apache.kafka.clients.producer.KafkaProducer',
    (line) => void terminal.printError(line),
  );
  const producer = createProducer(clientSystem, settings);
  const topic = options.value('topic') ?? '';
  const sender = new Sender(
    system,
    { terminal, producer },
    {
      isSync: options.has('sync'),
      maxBlockMs: settings.maxBlockMs ?? 0,
    },
  );
  const interrupted = new Promise<number>((resolve) => {
    terminal.onSignal(['SIGINT', 'SIGTERM'], (signal) => resolve(signalExitCode(signal)));
  });
  const read = readLines(terminal, (line) => {
    const { key, value, headers } = reader.read(line);
    return sender.send(
      headers.length === 0 ? { topic, key, value } : { topic, key, value, headers },
    );
  });
  try {
    return await Promise.race([read.then(() => 0), interrupted]);
  } finally {
    await producer.close();
    await sender.flushErrors();
  }
};

/**
 * Calls `onLine` for each line, one after the other, with a prompt before each where somebody
 * types.
 */
const readLines = async (
  terminal: Terminal,
  onLine: (line: Buffer) => Promise<void> | undefined,
): Promise<void> => {
  const isInteractive = terminal.isTerminal && terminal.isOutputTerminal;
  const splitter = new LineSplitter();
  if (isInteractive) await terminal.print('>');
  for await (const chunk of terminal.input()) {
    for (const line of splitter.push(chunk)) {
      const isBusy = onLine(line);
      if (isBusy !== undefined) await isBusy;
      if (isInteractive) await terminal.print('>');
    }
  }
  const last = splitter.finish();
  if (last !== null) await onLine(last);
};

/** Records that may be on their way at a time; reading waits beyond that. */
const PENDING_MAX = 10_000;

/**
 * Hands records to the producer, keeps their number within bounds, and tells of those that failed.
 */
class Sender {
  readonly #system: System;
  readonly #terminal: Terminal;
  readonly #producer: Producer;
  readonly #options: { readonly isSync: boolean; readonly maxBlockMs: number };
  #pendingCount = 0;
  #onRoom: (() => void) | null = null;
  #errors: Promise<unknown> = Promise.resolve();

  constructor(
    system: System,
    { terminal, producer }: { terminal: Terminal; producer: Producer },
    options: { readonly isSync: boolean; readonly maxBlockMs: number },
  ) {
    this.#system = system;
    this.#terminal = terminal;
    this.#producer = producer;
    this.#options = options;
  }

  /** A promise only where the caller has to wait. */
  send(record: ProducerRecord): Promise<void> | undefined {
    if (this.#options.isSync) return this.#sendAndWait(record);
    this.#pendingCount++;
    this.#producer.post(record, (error) => {
      this.#pendingCount--;
      if (error !== null) this.#tell(error, record);
      if (this.#pendingCount > PENDING_MAX / 2) return;
      this.#onRoom?.();
      this.#onRoom = null;
    });
    if (this.#pendingCount < PENDING_MAX) return undefined;
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  async #sendAndWait(record: ProducerRecord): Promise<void> {
    try {
      await this.#producer.send(record);
    } catch (error) {
      const cause = sendFailure(error, record.topic, this.#options.maxBlockMs);
      const message = `${javaClassOf(cause)}: ${messageOf(cause)}`;
      throw new JavaFailure('java.util.concurrent.ExecutionException', message, { cause });
    }
  }

  /** Waits until what went wrong has been told. */
  async flushErrors(): Promise<void> {
    await this.#errors;
  }

  #tell(error: Error, { topic, key = null, value }: ProducerRecord): void {
    const [keyText, valueText] = [key, value].map((bytes) =>
      bytes === null ? 'null' : `${bytes.length} bytes`,
    );
    const message =
      `Error when sending message to topic ${topic} with key: ${keyText},` +
      ` value: ${valueText} with error:`;
    const logger = 'org.apache.kafka.clients.producer.internals.ErrorLoggingCallback';
    const line = logLine(this.#system.clock.nowMs(), 'ERROR', message, logger);
    const failure = sendFailure(error, topic, this.#options.maxBlockMs);
    this.#errors = this.#terminal.printError(line + failureText(failure));
  }
}

/** The Java producer's words for what ours says in its own. */
const sendFailure = (error: unknown, topic: string, maxBlockMs: number): unknown => {
  if (error instanceof TimeoutError && error.message.includes('metadata')) {
    return new TimeoutError(`Topic ${topic} not present in metadata after ${maxBlockMs} ms.`);
  }
  if (error instanceof ProtocolError && error.code === errorCodes.INVALID_TOPIC_EXCEPTION) {
    return new ProtocolError(error.code, `Invalid topics: [${topic}]`);
  }
  return error;
};
