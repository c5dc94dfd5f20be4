/**
 * Every request of every advertised API and version has an error response that its client can read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorResponse } from '../../broker/error-responses.ts';
import { type Api, allApis, apis } from '../../protocol/apis.ts';
import { decode, encodeToBuffer } from '../../protocol/compile.ts';
import { errorCodes } from '../../protocol/errors.ts';

const vectors = readFileSync(join(__dirname, '../fixtures/wire/messages.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { name: string; version: number; hex: string });

const respond = (api: Api, version: number, request: object, code: number, text = '') => {
  const response = errorResponse(api, request, version, { code, text });
  if (response === null) return null;
  return decode(api.response, version, encodeToBuffer(api.response, version, response as never));
};

const advertised = allApis.filter(({ isAdvertised }) => isAdvertised);

test.each(advertised.map((api) => [api.name, api] as const))('%s', (name, api) => {
  const own = vectors.filter((vector) => vector.name === `${name}Request`);
  expect(own.length).toBeGreaterThan(0);
  for (const { version, hex } of own) {
    const request = decode(api.request, version, Buffer.from(hex, 'hex'));
    if (api === apis.produce && (request as { acks: number }).acks === 0) continue;
    const text = JSON.stringify(
      respond(api, version, request, errorCodes.UNKNOWN_SERVER_ERROR),
      large,
    );
    // Where the code stands in the entries of the request, there may be none.
    expect(text).toMatch(/"(errorCode|partitionErrorCode)":-1|:\[\]|^\{"throttleTimeMs":0\}$/);
  }
});

const large = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

test('a text that says more than the code goes along, the usual one does not', () => {
  const request = { topics: [{ name: 't', count: 3, assignments: null }] };
  const messageFor = (text: string) =>
    respond(apis.createPartitions, 3, request, errorCodes.INVALID_PARTITIONS, text);
  expect(messageFor('Too many.')).toMatchObject({
    results: [{ name: 't', errorCode: 37, errorMessage: 'Too many.' }],
  });
  expect(messageFor('')).toMatchObject({ results: [{ errorCode: 37, errorMessage: null }] });
});

test('fetch tells the partitions until it has topic ids, and only the top from then on', () => {
  const topics = [{ topic: 't', partitions: [{ partition: 3 }] }];
  const request = { sessionId: 5, topics };
  expect(respond(apis.fetch, 12, request, errorCodes.KAFKA_STORAGE_ERROR)).toMatchObject({
    errorCode: 56,
    sessionId: 5,
    responses: [{ topic: 't', partitions: [{ partitionIndex: 3, errorCode: 56 }] }],
  });
  expect(respond(apis.fetch, 13, request, errorCodes.KAFKA_STORAGE_ERROR)).toMatchObject({
    errorCode: 56,
    responses: [],
  });
});

test('produce without acks has no response', () => {
  expect(respond(apis.produce, 9, { acks: 0, topicData: [] }, -1)).toBeNull();
});
