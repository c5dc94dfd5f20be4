/** What turns a record into output. */
import type { ConsumerRecord } from '../../client/index.ts';
import type { OutputBuffer } from './output-buffer.ts';

export interface Formatter {
  /** Adds the record's text; throws JavaFailure for a record that has none. */
  write(record: ConsumerRecord, output: OutputBuffer): void;
}

/** Told of what is wrong with the settings of a formatter. */
export type LogError = (message: string, loggerName: string, failure: string) => void;
