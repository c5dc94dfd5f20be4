/**
 * What stands before every body, and whole frames with it. Which header a version has follows
 * from the API and the version alone (KIP-482), with two exceptions of Kafka's:
 * ControlledShutdown v0 has no client id, and the response header of ApiVersions is always the
 * oldest, so that a client can read the answer before it knows what the broker speaks.
 */

import {
  type Api,
  apiByKey,
  apis,
  type RequestInput,
  type ResponseOf,
  type ResponseOutput,
} from './apis.ts';
import { DecodeError, Reader } from './bytes.ts';
import { codecOf } from './compile.ts';
import { isInRange } from './schema.ts';
import { Writer } from './writer.ts';

export interface RequestHeader {
  readonly apiKey: number;
  /**
   * As sent; whether the API has such a version is for the caller to check before it decodes the
   * body.
   */
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Null counts as empty. */
  readonly clientId: string;
  /** Where the body begins in the frame. */
  readonly bodyPosition: number;
}

/**
 * 0 without client id, 1 with it, 2 with a tag section too. Versions unknown to us count by
 * their number.
 */
export const requestHeaderVersion = (api: Api, version: number): 0 | 1 | 2 => {
  if (api.key === apis.controlledShutdown.key && version === 0) return 0;
  return isInRange(api.request.flexible, version) ? 2 : 1;
};

/** 1 with a tag section. */
export const responseHeaderVersion = (api: Api, version: number): 0 | 1 =>
  api.key !== apis.apiVersions.key && isInRange(api.response.flexible, version) ? 1 : 0;

/** A whole request, its size included. */
export const encodeRequest = <A extends Api>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: RequestInput<A>,
): Buffer[] => {
  const codec = codecOf(api.request, version);
  const headerVersion = requestHeaderVersion(api, version);
  const writer = new Writer();
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(header.correlationId);
  if (headerVersion > 0) {
    if (header.clientId === null) writer.length16(-1);
    else writer.string(header.clientId);
  }
  if (headerVersion > 1) writer.byte(0);
  codec.write(writer, body);
  return finishFrame(writer);
};

/**
 * The header of a request; `frame` is without its size. Throws DecodeError for an API that we do
 * not know, since its header cannot be told: the connection has to be closed.
 */
export const decodeRequestHeader = (frame: Buffer): RequestHeader => {
  const reader = new Reader(frame);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const api = apiByKey(apiKey);
  if (api === undefined) throw new DecodeError(`unknown API ${apiKey}`);
  const headerVersion = requestHeaderVersion(api, apiVersion);
  const length = headerVersion > 0 ? reader.length16() : 0;
  const clientId = length < 0 ? '' : reader.string(length);
  if (headerVersion > 1) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId, bodyPosition: reader.position };
};

/** A whole response, its size included. */
export const encodeResponse = <A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: ResponseOf<A>,
): Buffer[] => {
  const codec = codecOf(api.response, version);
  const writer = new Writer();
  writer.int32(0);
  writer.int32(correlationId);
  if (responseHeaderVersion(api, version) > 0) writer.byte(0);
  codec.write(writer, body);
  return finishFrame(writer);
};

/** A response to a request of this version; `frame` is without its size. */
export const decodeResponse = <A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly body: ResponseOutput<A> } => {
  const codec = codecOf(api.response, version, DecodeError);
  const reader = new Reader(frame);
  const correlationId = reader.int32();
  if (responseHeaderVersion(api, version) > 0) reader.skipTags();
  return { correlationId, body: codec.read(reader) as ResponseOutput<A> };
};

/** Puts the size, for which four bytes were left in front, in its place. */
const finishFrame = (writer: Writer): Buffer[] => {
  const sizeBytes = writer.sizeBytes - 4;
  const pieces = writer.finish();
  writer.patchFirstInt32(sizeBytes);
  return pieces;
};
