/**
 * Frames in, answers out: what is served, what is refused with a response, what closes the
 * connection.
 */
import { createDispatcher } from '../../broker/dispatch.ts';
import { type Handler, handler } from '../../broker/handlers/handler.ts';
import { CloseConnection } from '../../broker/handlers/produce.ts';
import { handlers } from '../../broker/handlers/table.ts';
import type { Answer, ClientConnection } from '../../network/listener.ts';
import { type Api, allApis, apis } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { decodeResponse, encodeRequest } from '../../protocol/headers.ts';
import { absent, fakeServices } from './fake-services.ts';

const connection = absent<ClientConnection>('connection', {
  id: 'a-connection',
  clientHost: '127.0.0.1',
  listenerName: 'CLIENT',
});

const frameOf = (api: Api, version: number, body: object): Buffer =>
  Buffer.concat(
    encodeRequest(api, version, { correlationId: 77, clientId: 'me' }, body as never),
  ).subarray(4);

const bytesOf = (answer: Answer): Buffer => {
  if (answer === null || answer === 'close') throw new Error(`the answer is ${answer}`);
  return Buffer.concat([...answer]);
};

const bodyOf = (api: Api, version: number, answer: Answer) =>
  decodeResponse(api, version, bytesOf(answer).subarray(4));

const dispatcher = (...table: Handler[]) =>
  createDispatcher(fakeServices(), table.length === 0 ? handlers : table);

describe('the table', () => {
  test('has one handler for every advertised API and none for another', () => {
    const keys = handlers.map(({ api }) => api.key);
    expect(keys).toEqual(allApis.filter(({ isAdvertised }) => isAdvertised).map(({ key }) => key));
    expect(keys).toHaveLength(62);
  });
});

describe('what is no request of ours closes the connection', () => {
  const header = (key: number, version: number) => {
    const frame = Buffer.alloc(10);
    frame.writeInt16BE(key, 0);
    frame.writeInt16BE(version, 2);
    frame.writeInt16BE(-1, 8);
    return frame;
  };

  test.each([
    ['a frame without a whole header', Buffer.alloc(3)],
    ['an unknown key', header(999, 0)],
    [
      'a key that is not advertised',
      frameOf(apis.describeTopicPartitions, 0, {
        topics: [],
        responsePartitionLimit: 1,
      }),
    ],
    ['a version beyond the range', header(apis.heartbeat.key, 9)],
    ['a negative version', header(apis.heartbeat.key, -1)],
    ['a body that ends too early', header(apis.heartbeat.key, 0)],
    ['ApiVersions of version 9 without a tag section', header(apis.apiVersions.key, 9)],
  ])('%s', async (_name, frame) => {
    expect(await dispatcher()(frame, connection)).toBe('close');
  });

  test('an Envelope', async () => {
    const frame = frameOf(apis.envelope, 0, {
      requestData: Buffer.alloc(1),
      requestPrincipal: null,
      clientHostAddress: Buffer.alloc(4),
    });
    expect(await dispatcher()(frame, connection)).toBe('close');
  });
});

describe('ApiVersions', () => {
  test('tells all 62 APIs in the order of their keys', async () => {
    const body = { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '3.9.1' };
    const answer = await dispatcher()(frameOf(apis.apiVersions, 4, body), connection);
    const response = decodeResponse(apis.apiVersions, 4, bytesOf(answer).subarray(4));
    expect(response.correlationId).toBe(77);
    expect(response.body.errorCode).toBe(0);
    expect(response.body.apiKeys).toHaveLength(62);
    expect(response.body.apiKeys[0]).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 11 });
    expect(response.body.apiKeys.at(-1)).toEqual({ apiKey: 69, minVersion: 0, maxVersion: 0 });
    expect(response.body).toMatchObject({ finalizedFeaturesEpoch: 0, finalizedFeatures: [] });
  });

  test('answers an unknown version in version 0, with its own range alone', async () => {
    const frame = Buffer.from('0012006300000065000474657374' + '00', 'hex');
    const answer = await dispatcher()(frame, connection);
    expect(bytesOf(answer).toString('hex')).toBe('00000010' + '00000065002300000001001200000004');
  });

  test('refuses a software name with blanks', async () => {
    const body = { clientSoftwareName: 'bad name!', clientSoftwareVersion: '1' };
    const answer = await dispatcher()(frameOf(apis.apiVersions, 3, body), connection);
    expect(bytesOf(answer).subarray(4).toString('hex')).toBe(
      '0000004d' + '002a01' + '00000000' + '00',
    );
  });
});

describe('a handler', () => {
  const heartbeat = (answer: () => Promise<{ errorCode: number }> | { errorCode: number }) =>
    dispatcher(handler(apis.heartbeat, answer));
  const frame = frameOf(apis.heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm' });

  test('is called within the call, and answers without a promise if it has none', () => {
    const answer = heartbeat(() => ({ errorCode: 27 }))(frame, connection) as Answer;
    expect(bodyOf(apis.heartbeat, 4, answer).body).toEqual({ throttleTimeMs: 0, errorCode: 27 });
  });

  test('sees the request and where it came from', async () => {
    const seen: unknown[] = [];
    const entry = handler(apis.heartbeat, (_services, request, context) => {
      seen.push(request, context);
      return { errorCode: 0 };
    });
    await dispatcher(entry)(frame, connection);
    expect(seen[0]).toMatchObject({ groupId: 'g', generationId: 1, memberId: 'm' });
    expect(seen[1]).toEqual({
      apiVersion: 4,
      correlationId: 77,
      clientId: 'me',
      clientHost: '127.0.0.1',
      connectionId: 'a-connection',
      listenerName: 'CLIENT',
      principal: 'User:ANONYMOUS',
    });
  });

  test.each([
    ['ProtocolError', new ProtocolError(errorCodes.NOT_COORDINATOR), 16],
    ['another error', new Error('a bug'), -1],
  ])('that throws %s gets an error response', async (_name, error, errorCode) => {
    const throws = heartbeat(() => {
      throw error;
    });
    const rejects = heartbeat(async () => {
      throw error;
    });
    for (const dispatch of [throws, rejects]) {
      const answer = await dispatch(frame, connection);
      expect(bodyOf(apis.heartbeat, 4, answer).body).toMatchObject({ errorCode });
    }
  });

  test('that answers what its version cannot carry gets an error response', async () => {
    const entry = handler(apis.syncGroup, () => ({ errorCode: 0, assignment: null }) as never);
    const body = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] };
    const answer = await dispatcher(entry)(frameOf(apis.syncGroup, 3, body), connection);
    expect(bodyOf(apis.syncGroup, 3, answer).body).toMatchObject({ errorCode: -1 });
  });

  test('may close the connection or leave a request without response', async () => {
    const produce = { acks: 0, timeoutMs: 1, topicData: [] };
    const closing = handler(apis.produce, async () => {
      throw new CloseConnection('no acks, no other way to say it');
    });
    const silent = handler(apis.produce, () => null);
    const failing = handler(apis.produce, () => {
      throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
    });
    const request = frameOf(apis.produce, 9, produce);
    expect(await dispatcher(closing)(request, connection)).toBe('close');
    expect(await dispatcher(silent)(request, connection)).toBeNull();
    expect(await dispatcher(failing)(request, connection)).toBe('close');
  });
});
