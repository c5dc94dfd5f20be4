/**
 * What a handler is: one API, and a function from (services, request, context) to a response. Handlers are gathered in
 * table.ts, from which dispatch and ApiVersions both work. A handler answers refusals as error codes in its response; a
 * thrown `ProtocolError` becomes the API's generic error response (see error-responses.ts).
 */
import type { Api, RequestOf, ResponseOf } from '../../protocol/apis.ts';
import type { Services } from '../services.ts';

/** Where a request came from. */
export interface RequestContext {
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Null on the wire counts as "". */
  readonly clientId: string;
  /** The peer's address, as in Kafka's "/127.0.0.1" without the slash. */
  readonly clientHost: string;
  readonly connectionId: string;
  readonly listenerName: string;
  /** Who asks, as type:name; User:ANONYMOUS without authentication. */
  readonly principal: string;
}

export interface Handler {
  readonly api: Api;
  /** Null: no response is sent (Produce with acks=0). */
  handle(
    services: Services,
    request: never,
    context: RequestContext,
  ): Promise<object | null> | object | null;
}

/** Declares a handler; the types of request and response follow from the API. */
export const handler = <A extends Api>(
  api: A,
  handle: (
    services: Services,
    request: RequestOf<A>,
    context: RequestContext,
  ) => Promise<ResponseOf<A> | null> | ResponseOf<A> | null,
): Handler => ({ api, handle: handle as Handler['handle'] });
