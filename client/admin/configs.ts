/** The admin client on settings of topics and brokers. */
import type { ChannelKey } from '../../network/broker-pool.ts';
import { apis } from '../../protocol/apis.ts';
import { groupBy } from '../../system/group-by.ts';
import { throwIfError } from '../errors.ts';
import { type AdminContext, type CallOptions, type Outcome, outcomeOf } from './context.ts';

export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8 } as const;
export type ResourceType = keyof typeof resourceTypes;

export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigResource {
  readonly type: ResourceType;
  /** A topic's name, a broker's id; '' for the defaults of all brokers. */
  readonly name: string;
}

export interface ConfigEntry {
  readonly name: string;
  /** Null: not told, because it is secret, or not set. */
  readonly value: string | null;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  /** As in Kafka: 1 topic, 2 one broker, 3 all brokers, 4 static, 5 default, 6 broker logger. */
  readonly source: number;
  readonly type: number;
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: number;
  }[];
  readonly documentation: string | null;
}

export interface ResourceConfigs extends ConfigResource {
  readonly entries: readonly ConfigEntry[];
}

export interface ConfigChange {
  readonly name: string;
  readonly operation: keyof typeof configOperations;
  readonly value?: string | null;
}

export interface DescribeConfigsOptions extends CallOptions {
  /** Only these settings. */
  readonly keys?: readonly string[];
  readonly includeSynonyms?: boolean;
  readonly includeDocumentation?: boolean;
}

export const configCalls = (context: AdminContext) => ({
  /** Throws the first error of a resource. */
  describeConfigs: (
    resources: readonly ConfigResource[],
    options: DescribeConfigsOptions = {},
  ): Promise<ResourceConfigs[]> => describeConfigs(context, resources, options),
  incrementalAlterConfigs: (
    changes: readonly (ConfigResource & { readonly changes: readonly ConfigChange[] })[],
    options: CallOptions & { readonly validateOnly?: boolean } = {},
  ): Promise<(ConfigResource & Outcome)[]> => alterConfigs(context, changes, options),
});

/** A broker's own settings are known, and changed, only there. */
const brokerOf = (context: AdminContext, { type, name }: ConfigResource): ChannelKey => {
  if (type === 'topic' || name === '') return context.cluster.anyBroker();
  return Number(name);
};

const typeOf = (code: number): ResourceType => {
  const entry = Object.entries(resourceTypes).find(([, value]) => value === code);
  return (entry?.[0] ?? 'topic') as ResourceType;
};

const describeConfigs = (
  context: AdminContext,
  resources: readonly ConfigResource[],
  options: DescribeConfigsOptions,
): Promise<ResourceConfigs[]> =>
  context.attempt('describing configs', options, async () => {
    const found: ResourceConfigs[] = [];
    for (const [broker, group] of groupBy(resources, (item) => brokerOf(context, item))) {
      const response = await context.cluster.sendAs(broker, apis.describeConfigs, (version) => ({
        resources: group.map(({ type, name }) => ({
          resourceType: resourceTypes[type],
          resourceName: name,
          configurationKeys: options.keys ?? null,
        })),
        ...(version >= 1 ? { includeSynonyms: options.includeSynonyms ?? false } : {}),
        ...(version >= 3 ? { includeDocumentation: options.includeDocumentation ?? false } : {}),
      }));
      for (const { resourceType, resourceName: name, configs, ...result } of response.results) {
        throwIfError(result.errorCode, result.errorMessage);
        const entries = configs.map(
          ({ readOnly, configSource, configType, isDefault, ...rest }) => ({
            ...rest,
            isReadOnly: readOnly,
            source: configSource === -1 && isDefault ? 5 : configSource,
            type: configType,
          }),
        );
        found.push({ type: typeOf(resourceType), name, entries });
      }
    }
    return found;
  });

const alterConfigs = (
  context: AdminContext,
  resources: readonly (ConfigResource & { readonly changes: readonly ConfigChange[] })[],
  options: CallOptions & { readonly validateOnly?: boolean },
): Promise<(ConfigResource & Outcome)[]> =>
  context.attempt('altering configs', options, async () => {
    const outcomes: (ConfigResource & Outcome)[] = [];
    for (const [broker, group] of groupBy(resources, (item) => brokerOf(context, item))) {
      const body = {
        resources: group.map(({ type, name: resourceName, changes }) => ({
          resourceType: resourceTypes[type],
          resourceName,
          configs: changes.map(({ name, operation, value = null }) => ({
            name,
            configOperation: configOperations[operation],
            value,
          })),
        })),
        validateOnly: options.validateOnly ?? false,
      };
      const response = await context.cluster.send(broker, apis.incrementalAlterConfigs, body);
      for (const { resourceType, resourceName: name, ...result } of response.responses) {
        const error = outcomeOf(result.errorCode, result.errorMessage);
        outcomes.push({ type: typeOf(resourceType), name, error });
      }
    }
    return outcomes;
  });
