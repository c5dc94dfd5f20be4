/**
 * The listeners of a broker: `listeners`, `advertised.listeners`, the protocol map, and which of
 * them brokers and the controller use (KIP-103, KIP-291). Parsing and Kafka's checks only; nothing
 * is opened here.
 */
import { type SecurityProtocol, securityProtocols } from '../../protocol/security-protocols.ts';
import { ConfigError } from './setting.ts';

export interface ListenerConfig {
  /** In capitals. */
  readonly name: string;
  /** Empty: every interface. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly securityProtocol: SecurityProtocol;
}

export interface ListenersConfig {
  readonly listeners: readonly ListenerConfig[];
  readonly advertisedListeners: readonly ListenerConfig[];
  readonly listenerSecurityProtocolMap: ReadonlyMap<string, SecurityProtocol>;
  readonly interBrokerListenerName: string;
  readonly interBrokerSecurityProtocol: SecurityProtocol;
  readonly controlPlaneListenerName: string | null;
}

/** Reads a setting: its checked text, null when it is unset and has no default. */
export type TextOf = (name: string) => string | null;

const requirement = (message: string): ConfigError =>
  new ConfigError(`requirement failed: ${message}`);

/** The listeners as configured; `isSet` tells what stands in the file itself. */
export const parseListeners = (text: TextOf, isSet: (name: string) => boolean): ListenersConfig => {
  const map = parseProtocolMap(text('listener.security.protocol.map') ?? '');
  const listeners = parseEndpoints('listeners', text('listeners') ?? '', map);
  checkPorts(listeners);
  const advertised = text('advertised.listeners');
  const advertisedListeners =
    advertised === null ? listeners : parseEndpoints('advertised.listeners', advertised, map);
  const interBroker = interBrokerListener(text, isSet, map);
  const controlPlane = text('control.plane.listener.name')?.toUpperCase() ?? null;
  const config: ListenersConfig = {
    listeners,
    advertisedListeners,
    listenerSecurityProtocolMap: map,
    interBrokerListenerName: interBroker.name,
    interBrokerSecurityProtocol: interBroker.protocol,
    controlPlaneListenerName: controlPlane,
  };
  checkNames(config);
  return config;
};

const isSecurityProtocol = (text: string): text is SecurityProtocol =>
  (securityProtocols as readonly string[]).includes(text);

const parseProtocolMap = (text: string): Map<string, SecurityProtocol> => {
  const map = new Map<string, SecurityProtocol>();
  for (const pair of text.split(',').map((part) => part.trim())) {
    if (pair === '') continue;
    const colon = pair.lastIndexOf(':');
    const name = pair.slice(0, Math.max(colon, 0)).trim().toUpperCase();
    const protocol = pair.slice(colon + 1).trim();
    if (!isSecurityProtocol(protocol))
      throw new ConfigError(
        `Invalid security protocol \`${protocol}\` defined in listener.security.protocol.map`,
      );
    map.set(name, protocol);
  }
  return map;
};

const ENDPOINT = /^([^:/]*):\/\/(?:\[([0-9a-zA-Z\-%._:]*)\]|([0-9a-zA-Z\-%._]*)):(-?\d+)$/;

const parseEndpoints = (
  setting: string,
  text: string,
  map: ReadonlyMap<string, SecurityProtocol>,
): ListenerConfig[] => {
  const endpoints = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseEndpoint(setting, part, map));
  const names = new Set(endpoints.map(({ name }) => name));
  if (names.size < endpoints.length)
    throw requirement(`Each listener must have a different name, listeners: ${text}`);
  return endpoints;
};

const parseEndpoint = (
  setting: string,
  part: string,
  map: ReadonlyMap<string, SecurityProtocol>,
): ListenerConfig => {
  const match = ENDPOINT.exec(part);
  const port = Number(match?.[4]);
  if (match === null || port < -1 || port > 65_535)
    throw new ConfigError(
      `Error creating broker listeners from '${part}': ` +
        `Unable to parse ${part} to a broker endpoint`,
    );
  const name = match[1]?.toUpperCase() ?? '';
  const securityProtocol = map.get(name);
  if (securityProtocol === undefined)
    throw new ConfigError(
      `Error creating broker listeners from '${part}': ` +
        `No security protocol defined for listener ${name}`,
    );
  const host = match[2] ?? match[3] ?? '';
  if (setting === 'advertised.listeners' && host === '0.0.0.0')
    throw requirement(
      'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. ' +
        'Use a routable IP address.',
    );
  return { name, host, port, securityProtocol };
};

/** Port 0 may be given any number of times; one address per port otherwise. */
const checkPorts = (listeners: readonly ListenerConfig[]): void => {
  const taken = new Set<string>();
  for (const { host, port } of listeners) {
    if (port === 0) continue;
    const address = `${host}:${port}`;
    if (taken.has(address))
      throw requirement(`Each listener must have a different port, but ${address} is given twice`);
    taken.add(address);
  }
};

const interBrokerListener = (
  text: TextOf,
  isSet: (name: string) => boolean,
  map: ReadonlyMap<string, SecurityProtocol>,
): { name: string; protocol: SecurityProtocol } => {
  const name = text('inter.broker.listener.name');
  if (name === null) {
    const protocol = text('security.inter.broker.protocol') ?? 'PLAINTEXT';
    if (!isSecurityProtocol(protocol)) throw requirement(`unknown protocol ${protocol}`);
    return { name: protocol, protocol };
  }
  if (isSet('security.inter.broker.protocol'))
    throw new ConfigError(
      'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
    );
  const protocol = map.get(name.toUpperCase());
  if (protocol === undefined)
    throw new ConfigError(
      `Listener with name ${name} defined in inter.broker.listener.name ` +
        'not found in listener.security.protocol.map.',
    );
  return { name: name.toUpperCase(), protocol };
};

const checkNames = (config: ListenersConfig): void => {
  const names = config.listeners.map(({ name }) => name);
  const advertised = config.advertisedListeners.map(({ name }) => name);
  if (names.length === 0) throw requirement('listeners must name at least one listener');
  if (!advertised.every((name) => names.includes(name)))
    throw requirement(
      'advertised.listeners listener names must be equal to or a subset of the ones defined in ' +
        `listeners. Found ${advertised.join(',')}. ` +
        `The valid options based on the current configuration are ${names.join(',')}`,
    );
  if (!advertised.includes(config.interBrokerListenerName))
    throw requirement(
      'inter.broker.listener.name must be a listener name defined in advertised.listeners. ' +
        `The valid options based on currently configured listeners are ${advertised.join(',')}`,
    );
  const { controlPlaneListenerName: control } = config;
  if (control === null) return;
  if (!names.includes(control))
    throw requirement(
      'control.plane.listener.name must be a listener name defined in listeners. ' +
        `The valid options based on currently configured listeners are ${names.join(',')}`,
    );
  if (control === config.interBrokerListenerName)
    throw requirement(
      'control.plane.listener.name, when defined, should have a different value from the inter ' +
        `broker listener name. Currently they both have the value ${control}`,
    );
};
