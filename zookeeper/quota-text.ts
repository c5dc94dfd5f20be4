/** What the nodes of a quota hold: `count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=-1` (StatsTrack). Pure. */

export type QuotaField = 'count' | 'bytes' | 'countHardLimit' | 'byteHardLimit';

/** -1, or no value: no limit. */
export type Quota = Partial<Record<QuotaField, bigint>>;

/** Reads what it can; a value that is no number counts as none. */
export const parseQuota = (text: string): Quota => {
  const quota: Record<string, bigint> = {};
  for (const pair of text.split(/[,;]+/)) {
    const [name = '', value = ''] = pair.split('=');
    if (name !== '') quota[name] = /^-?\d+$/.test(value) ? BigInt(value) : -1n;
  }
  return quota;
};

/** The first two fields in the order that old servers want, an equals sign behind them for their sake. */
export const quotaText = (quota: Quota): string => {
  const { count = -1n, bytes = -1n, ...others } = quota;
  const rest = Object.entries(others)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `;${name}=${value}`);
  return `count=${count},bytes=${bytes}${rest.length === 0 ? '' : '='}${rest.join('')}`;
};
