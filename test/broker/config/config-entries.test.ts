import { readFileSync } from 'node:fs';
import { brokerEntries, topicEntries } from '../../../broker/config/config-entries.ts';
import { overlay } from '../../../broker/config/dynamic-settings.ts';
import { parseBrokerConfig } from '../../../broker/config.ts';

describe('what is described', () => {
  interface Recorded {
    readonly name: string;
    readonly value: string | null;
    readonly readOnly: boolean;
    readonly configSource: number;
    readonly isSensitive: boolean;
    readonly configType: number;
    readonly synonyms: unknown[];
  }
  const recorded: { broker: Recorded[]; topic: Recorded[] } = JSON.parse(
    readFileSync(new URL('../../fixtures/config/describe.json', import.meta.url), 'utf8'),
  );
  const byName = <T extends { readonly name: string }>(entries: readonly T[]): T[] =>
    [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const essence = ({ name, value, readOnly, configSource, isSensitive, configType }: Recorded) => ({
    name,
    value,
    readOnly,
    configSource,
    isSensitive,
    configType,
  });
  /** Was being changed while the recording was made. */
  const isSteady = ({ name }: { readonly name: string }): boolean => name !== 'log.retention.ms';
  const set = (source: number): [string, string][] =>
    recorded.broker
      .filter(({ configSource }) => configSource === source)
      .filter(isSteady)
      .map(({ name, value }) => [name, value ?? 'x']);
  const staticConfig = parseBrokerConfig(new Map(set(4))).config;
  const brokerOverrides = new Map(set(2));
  const layers = {
    staticConfig,
    brokerOverrides,
    clusterOverrides: new Map(),
    current: parseBrokerConfig(overlay(staticConfig.raw, brokerOverrides)).config,
  };

  test('of a broker is what Kafka describes', () => {
    const ours = brokerEntries(layers) as readonly unknown[] as Recorded[];
    expect(byName(ours.filter(isSteady)).map(essence)).toEqual(
      byName(recorded.broker.filter(isSteady)).map(essence),
    );
  });

  test('of a topic is what Kafka describes, synonyms included', () => {
    const overrides = new Map([['cleanup.policy', 'delete,compact']]);
    expect(
      byName(topicEntries(layers, overrides)).map(
        ({ isDefault: _, documentation: __, ...entry }) => entry,
      ),
    ).toEqual(
      byName(recorded.topic).map(
        ({ documentation: _, ...entry }: Recorded & { documentation?: unknown }) => entry,
      ),
    );
  });

  test('a listener’s setting has the broker’s as its synonym', () => {
    const name = 'listener.name.plaintext.max.connections';
    const entry = brokerEntries({
      ...layers,
      brokerOverrides: new Map([[name, '100']]),
      current: { ...layers.current, raw: new Map([[name, '100']]) },
    }).find((candidate) => candidate.name === name);
    expect(entry?.synonyms).toEqual([
      { name, value: '100', source: 2 },
      { name: 'max.connections', value: '2147483647', source: 5 },
    ]);
  });
});
