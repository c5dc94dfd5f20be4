/**
 * `meta.properties`: to whom a log directory belongs. Written as Java properties, version 0, the
 * form brokers in ZooKeeper mode use; `directory.id` is kept where it exists and never made up.
 * Whether its ids fit is decided here, what follows from a misfit is the caller's business.
 */

export interface MetaProperties {
  readonly brokerId: number | null;
  readonly clusterId: string | null;
  readonly directoryId: string | null;
}

/** Text that is not the properties of a broker in ZooKeeper mode. */
export class MetaPropertiesError extends Error {
  override readonly name = 'MetaPropertiesError';
}

export const decodeMetaProperties = (text: string): MetaProperties => {
  const values = parseProperties(text);
  const version = values.get('version') ?? '0';
  if (version !== '0')
    throw new MetaPropertiesError(`version ${version} is not that of ZooKeeper mode`);
  const brokerId = values.get('broker.id');
  if (brokerId !== undefined && !/^-?\d+$/.test(brokerId))
    throw new MetaPropertiesError(`broker.id is not a number: ${brokerId}`);
  return {
    brokerId: brokerId === undefined ? null : Number(brokerId),
    clusterId: values.get('cluster.id') ?? null,
    directoryId: values.get('directory.id') ?? null,
  };
};

export const encodeMetaProperties = (meta: MetaProperties, nowMs: number): string => {
  const lines = ['#', `#${new Date(nowMs).toUTCString()}`];
  if (meta.brokerId !== null) lines.push(`broker.id=${meta.brokerId}`);
  lines.push('version=0');
  if (meta.clusterId !== null) lines.push(`cluster.id=${meta.clusterId}`);
  if (meta.directoryId !== null) lines.push(`directory.id=${meta.directoryId}`);
  return `${lines.join('\n')}\n`;
};

const OTHER_FOLDER = 'name another folder in log.dirs';

/** Why directories may not be used by this broker of this cluster, and what to do; null when they may. */
export const misfit = (
  found: ReadonlyMap<string, MetaProperties>,
  expected: { brokerId: number | null; clusterId: string | null },
): string | null => {
  const directoryIds = new Set<string>();
  let brokerId = expected.brokerId;
  let clusterId = expected.clusterId;
  for (const [directory, meta] of found) {
    if (meta.clusterId !== null && clusterId !== null && meta.clusterId !== clusterId)
      return `${directory} belongs to cluster ${meta.clusterId}, not to ${clusterId}: correct zookeeper.connect, or ${OTHER_FOLDER}.`;
    if (meta.brokerId !== null && brokerId !== null && meta.brokerId !== brokerId)
      return `${directory} belongs to broker ${meta.brokerId}, not to ${brokerId}: correct broker.id, or ${OTHER_FOLDER}.`;
    if (meta.directoryId !== null && directoryIds.has(meta.directoryId))
      return `${directory} has the directory id of another, ${meta.directoryId}: it is a copy; remove it from log.dirs.`;
    if (meta.directoryId !== null) directoryIds.add(meta.directoryId);
    brokerId ??= meta.brokerId;
    clusterId ??= meta.clusterId;
  }
  return null;
};

/**
 * Java properties in the simple form these files have: a key, `=` or `:`, a value; `#` and `!`
 * begin comments.
 */
const parseProperties = (text: string): Map<string, string> => {
  const values = new Map<string, string>();
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    const match = /^((?:\\.|[^=:\s\\])+)\s*[=:\s]\s*(.*)$/.exec(line);
    if (match !== null) values.set(withoutEscapes(match[1] ?? ''), withoutEscapes(match[2] ?? ''));
  }
  return values;
};

const withoutEscapes = (text: string): string => text.replace(/\\(.)/g, '$1');
