/** The formatters by their Java names, the older ones of the deprecated Scala classes included. */
import type { Properties } from '../options/properties.ts';
import { defaultFormatter } from './default-formatter.ts';
import type { Formatter, LogError } from './formatter.ts';
import {
  groupMetadataFormatter,
  offsetsFormatter,
  oldOffsetsFormatter,
  oldTransactionsFormatter,
  transactionsFormatter,
} from './internal-topic-formatters.ts';

type Create = (properties: Properties, logError: LogError) => Formatter;

const PACKAGE = 'org.apache.kafka.tools.consumer.';
export const DEFAULT_FORMATTER = `${PACKAGE}DefaultMessageFormatter`;

const nothing: Formatter = { write: () => {} };

const formatters: Readonly<Record<string, Create>> = {
  DefaultMessageFormatter: defaultFormatter,
  // What it logs beside the output is below the level that tools show.
  LoggingMessageFormatter: defaultFormatter,
  NoOpMessageFormatter: () => nothing,
  OffsetsMessageFormatter: () => offsetsFormatter,
  GroupMetadataMessageFormatter: () => groupMetadataFormatter,
  TransactionLogMessageFormatter: () => transactionsFormatter,
};

/** Old name -> the new one, and what it does where that differs. */
const deprecated: Readonly<Record<string, readonly [name: string, create?: Create]>> = {
  'kafka.tools.DefaultMessageFormatter': ['DefaultMessageFormatter'],
  'kafka.tools.LoggingMessageFormatter': ['LoggingMessageFormatter'],
  'kafka.tools.NoOpMessageFormatter': ['NoOpMessageFormatter'],
  'kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter': [
    'OffsetsMessageFormatter',
    () => oldOffsetsFormatter,
  ],
  'kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter': [
    'GroupMetadataMessageFormatter',
  ],
  'kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter': [
    'TransactionLogMessageFormatter',
    () => oldTransactionsFormatter,
  ],
};

/**
 * How to make the formatter of a Java class, with a warning for an old name; null for one that
 * there is not.
 */
export const formatterOf = (
  javaClass: string,
): { readonly create: Create; readonly warning: string | null } | null => {
  const [name = javaClass.slice(PACKAGE.length), own] = deprecated[javaClass] ?? [];
  const isOld = javaClass in deprecated;
  const create = own ?? formatters[name];
  if (create === undefined || !(isOld || javaClass.startsWith(PACKAGE))) return null;
  const warning = isOld
    ? `WARNING: ${javaClass} is deprecated and will be removed in the next major release. ` +
      `Please use ${PACKAGE}${name} instead\n`
    : null;
  return { create, warning };
};
