/**
 * From a frame to its answer: header, handler, body, call, response. What is no request of ours
 * closes the connection (requests sheet §5.1); what a handler throws becomes the API's error
 * response (error-responses.ts). Everything up to the handler's first await happens within the
 * call, because the order of calls is the order of appends. Authorization and quotas are not here
 * yet.
 */
import type { Answer, ClientConnection, RequestHandler } from '../network/listener.ts';
import { type Api, apis } from '../protocol/apis.ts';
import { decode } from '../protocol/compile.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { decodeRequestHeader, encodeResponse, type RequestHeader } from '../protocol/headers.ts';
import { errorResponse, type Failure } from './error-responses.ts';
import { unsupportedVersion } from './handlers/api-versions.ts';
import type { Handler, RequestContext } from './handlers/handler.ts';
import { CloseConnection } from './handlers/produce.ts';
import { handlers } from './handlers/table.ts';
import type { Services } from './services.ts';

/** Everybody, as long as nobody authenticates. */
const ANONYMOUS = 'User:ANONYMOUS';

/** What `openListener` calls with each frame. `table` is for tests. */
export const createDispatcher = (
  services: Services,
  table: readonly Handler[] = handlers,
): RequestHandler => {
  const dispatcher = new Dispatcher(services, table);
  return (frame, connection) => dispatcher.handle(frame, connection);
};

class Dispatcher {
  readonly #services: Services;
  /** By API key. */
  readonly #handlers: (Handler | undefined)[] = [];

  constructor(services: Services, table: readonly Handler[]) {
    this.#services = services;
    for (const entry of table) this.#handlers[entry.api.key] = entry;
  }

  handle(frame: Buffer, connection: ClientConnection): Promise<Answer> | Answer {
    let header: RequestHeader;
    try {
      header = decodeRequestHeader(frame);
    } catch (error) {
      return this.#close(connection, `a header that cannot be read: ${(error as Error).message}`);
    }
    const handler = this.#handlers[header.apiKey];
    if (handler === undefined) return this.#close(connection, `API ${header.apiKey}`);
    const { api } = handler;
    const version = header.apiVersion;
    if (version < api.minVersion || version > api.maxVersion) {
      if (api.key === apis.apiVersions.key) return unsupportedVersion(header.correlationId);
      return this.#close(connection, `${api.name} in version ${version}`);
    }
    let request: object;
    try {
      request = decode(api.request, version, frame, header.bodyPosition);
    } catch (error) {
      return this.#close(connection, `a bad ${api.name} request: ${(error as Error).message}`);
    }
    return this.#call(handler, request, contextOf(header, connection));
  }

  #call(handler: Handler, request: object, context: RequestContext): Promise<Answer> | Answer {
    let result: Promise<object | null> | object | null;
    try {
      result = handler.handle(this.#services, request as never, context);
    } catch (error) {
      return this.#failed(handler.api, request, context, error);
    }
    if (result !== null && 'then' in result)
      return this.#answerLater(handler.api, request, context, result);
    return this.#answer(handler.api, request, context, result);
  }

  async #answerLater(
    api: Api,
    request: object,
    context: RequestContext,
    result: Promise<object | null>,
  ): Promise<Answer> {
    let response: object | null;
    try {
      response = await result;
    } catch (error) {
      return this.#failed(api, request, context, error);
    }
    return this.#answer(api, request, context, response);
  }

  #answer(api: Api, request: object, context: RequestContext, response: object | null): Answer {
    if (response === null) return null;
    try {
      return encode(api, context, response);
    } catch (error) {
      // A response that its own version cannot carry is a bug of ours, not the end of the
      // connection.
      return this.#failed(api, request, context, error);
    }
  }

  #failed(api: Api, request: object, context: RequestContext, error: unknown): Answer {
    const { logger } = this.#services.system;
    if (error instanceof CloseConnection) {
      logger.info({ connection: context.connectionId, reason: error.message }, 'closing');
      return 'close';
    }
    if (!(error instanceof ProtocolError))
      logger.error({ err: error, api: api.name, clientId: context.clientId }, 'a request failed');
    const response = errorResponse(api, request, context.apiVersion, failureOf(error));
    return response === null ? 'close' : encode(api, context, response);
  }

  #close(connection: ClientConnection, reason: string): 'close' {
    const fields = { connection: connection.id, reason };
    this.#services.system.logger.info(fields, 'closing a connection that sent what we do not take');
    return 'close';
  }
}

const failureOf = (error: unknown): Failure =>
  error instanceof ProtocolError
    ? { code: error.code, text: error.message }
    : { code: errorCodes.UNKNOWN_SERVER_ERROR, text: '' };

const encode = (api: Api, context: RequestContext, response: object): Buffer[] =>
  // Handlers are typed by their API where they are declared; the table has forgotten which.
  encodeResponse(api, context.apiVersion, context.correlationId, response as never);

const contextOf = (header: RequestHeader, connection: ClientConnection): RequestContext => ({
  apiVersion: header.apiVersion,
  correlationId: header.correlationId,
  clientId: header.clientId,
  clientHost: connection.clientHost,
  connectionId: connection.id,
  listenerName: connection.listenerName,
  principal: ANONYMOUS,
});
