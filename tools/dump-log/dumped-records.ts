/** The records of a batch of any magic, for showing. */
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { batchRecords } from './batch-records.ts';
import type { DumpedRecord } from './dumped-record.ts';
import { oldRecords } from './old-records.ts';

/** One after the other; throws JavaFailure at the first that cannot be read. */
export const dumpedRecordsOf = (batch: RecordBatch): Generator<DumpedRecord> =>
  batch.isOld ? oldRecords(batch) : batchRecords(batch);
