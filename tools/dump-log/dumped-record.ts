/** A record as it is shown, of any magic. */
export interface DumpedRecord {
  readonly offset: bigint;
  readonly timestamp: bigint;
  /** -1, or less in a damaged message: null. */
  readonly keySize: number;
  readonly valueSize: number;
  /** Views. Throws JavaFailure where the sizes of an old message are wrong. */
  content(): { readonly key: Buffer | null; readonly value: Buffer | null };
  /** -1: none. */
  readonly sequence: number;
  readonly headerKeys: readonly string[];
  /** Of an old message: its own checksum. */
  readonly old: { readonly isValid: boolean; readonly crc: number } | null;
}

/** What a parser of keys and values gets. */
export interface RecordContent {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** What is shown of key and value; null: nothing. */
export interface ContentText {
  readonly key: string | null;
  readonly payload: string | null;
}

/** Throws JavaFailure where Kafka's tool ends. */
export type RecordParser = (record: RecordContent) => ContentText;
