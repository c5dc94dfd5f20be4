/** A broker for tests: answers each API by a function, over a real listener. What has no function closes the connection. */
import { type Listener, openListener } from '../../network/listener.ts';
import {
  type Api,
  type ApiName,
  apiByKey,
  apis,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/apis.ts';
import { decode } from '../../protocol/compile.ts';
import { decodeRequestHeader, encodeResponse } from '../../protocol/headers.ts';
import type { System } from '../../system/system.ts';

export interface Context {
  readonly version: number;
  readonly clientId: string;
  readonly connectionId: string;
}

/** Null: no response; 'close' ends the connection. */
type Result<A extends Api> = ResponseOf<A> | null | 'close';

export type Handlers = {
  [N in ApiName]?: (
    request: RequestOf<(typeof apis)[N]>,
    context: Context,
  ) => Result<(typeof apis)[N]> | Promise<Result<(typeof apis)[N]>>;
};

type AnyHandler = (request: unknown, context: Context) => unknown;

export interface FakeBroker {
  readonly port: number;
  readonly listener: Listener;
  /** The names of the APIs asked for, in order, ApiVersions left out. */
  readonly calls: string[];
  handlers: Handlers;
  close(): Promise<void>;
}

/** `maxVersions` caps what ApiVersions advertises. */
export const startFakeBroker = async (
  system: System,
  handlers: Handlers,
  options: { readonly maxVersions?: { [N in ApiName]?: number }; readonly port?: number } = {},
): Promise<FakeBroker> => {
  const calls: string[] = [];
  const failures: unknown[] = [];
  const broker = { handlers };
  const names = new Map(Object.entries(apis).map(([name, api]) => [api.key as number, name]));
  const apiVersions = () => ({
    errorCode: 0,
    apiKeys: Object.entries(apis).map(([name, api]) => ({
      apiKey: api.key,
      minVersion: api.minVersion,
      maxVersion: options.maxVersions?.[name as ApiName] ?? api.maxVersion,
    })),
  });
  const listener = await openListener(
    system,
    { name: 'TEST', host: '127.0.0.1', port: options.port ?? 0 },
    async (frame, connection) => {
      const { apiKey, apiVersion, correlationId, clientId, bodyPosition } =
        decodeRequestHeader(frame);
      const api = apiByKey(apiKey) as Api;
      const name = names.get(apiKey) as ApiName;
      const own = broker.handlers[name] as AnyHandler | undefined;
      const handle = own ?? (name === 'apiVersions' ? apiVersions : undefined);
      if (name !== 'apiVersions') calls.push(name);
      if (handle === undefined) return 'close';
      try {
        const request = decode(api.request, apiVersion, frame, bodyPosition);
        const context = { version: apiVersion, clientId, connectionId: connection.id };
        const answer = (await handle(request, context)) as object | null | 'close';
        if (answer === null || answer === 'close') return answer;
        return encodeResponse(api, apiVersion, correlationId, answer as never);
      } catch (error) {
        failures.push(error);
        return 'close';
      }
    },
  );
  return Object.assign(broker, {
    calls,
    listener,
    port: listener.port,
    close: async () => {
      await listener.close();
      // A bug of the test would otherwise look like a broker that closes connections.
      if (failures.length > 0) throw failures[0];
    },
  });
};
