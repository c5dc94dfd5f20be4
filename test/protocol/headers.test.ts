import { apis } from '../../protocol/apis.ts';
import { DecodeError } from '../../protocol/bytes.ts';
import { decode } from '../../protocol/compile.ts';
import {
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../protocol/headers.ts';

const header = { correlationId: 7, clientId: 'me' };
const frameOf = (pieces: Buffer[]): Buffer => {
  const whole = Buffer.concat(pieces);
  expect(whole.readInt32BE(0)).toBe(whole.length - 4);
  return whole.subarray(4);
};

describe('requests', () => {
  test('of old versions have a client id and no tags', () => {
    const frame = frameOf(encodeRequest(apis.heartbeat, 0, header, heartbeat));
    expect(frame.toString('hex')).toMatch(/^000c0000000000070002/);
    const { bodyPosition, ...rest } = decodeRequestHeader(frame);
    expect(rest).toEqual({ apiKey: 12, apiVersion: 0, correlationId: 7, clientId: 'me' });
    expect(decode(apis.heartbeat.request, 0, frame, bodyPosition)).toMatchObject(heartbeat);
  });

  test('of flexible versions have tags behind the client id, which keeps its old form', () => {
    const frame = frameOf(encodeRequest(apis.heartbeat, 4, header, heartbeat));
    expect(frame.toString('hex')).toMatch(/^000c00040000000700026d6500/);
    const { bodyPosition } = decodeRequestHeader(frame);
    expect(decode(apis.heartbeat.request, 4, frame, bodyPosition)).toMatchObject(heartbeat);
  });

  test('may come without a client id, which counts as empty', () => {
    const anonymous = { correlationId: 7, clientId: null };
    const frame = frameOf(encodeRequest(apis.heartbeat, 4, anonymous, heartbeat));
    expect(frame.readInt16BE(8)).toBe(-1);
    expect(decodeRequestHeader(frame)).toMatchObject({ clientId: '', bodyPosition: 11 });
  });

  test('ControlledShutdown v0 has no client id', () => {
    const frame = frameOf(encodeRequest(apis.controlledShutdown, 0, header, { brokerId: 1 }));
    expect(frame.toString('hex')).toBe('000700000000000700000001');
    expect(decodeRequestHeader(frame)).toMatchObject({ clientId: '', bodyPosition: 8 });
  });

  test('of unknown versions of ApiVersions have a header that can be read', () => {
    const future = Buffer.from('001200630000000700026d650105020000eeee', 'hex');
    expect(decodeRequestHeader(future)).toMatchObject({ apiVersion: 99, bodyPosition: 17 });
    const negative = Buffer.from('0012ffff0000000700026d65eeee', 'hex');
    expect(decodeRequestHeader(negative)).toMatchObject({ apiVersion: -1, bodyPosition: 12 });
  });

  test('of unknown APIs and cut headers are refused', () => {
    expect(() => decodeRequestHeader(Buffer.from('03e700000000000700026d65', 'hex'))).toThrow(
      DecodeError,
    );
    const frame = frameOf(encodeRequest(apis.heartbeat, 4, header, heartbeat));
    for (let length = 0; length < 13; length += 1) {
      expect(() => decodeRequestHeader(frame.subarray(0, length))).toThrow(DecodeError);
    }
  });
});

describe('responses', () => {
  test('of flexible versions have tags in the header', () => {
    const frame = frameOf(encodeResponse(apis.heartbeat, 4, 7, { errorCode: 27 }));
    expect(frame.toString('hex')).toBe('000000070000000000001b00');
    expect(decodeResponse(apis.heartbeat, 4, frame)).toEqual({
      correlationId: 7,
      body: { throttleTimeMs: 0, errorCode: 27 },
    });
  });

  test('skip tags that we do not know', () => {
    const frame = Buffer.from('000000070105020102' + '00000000001b00', 'hex');
    expect(decodeResponse(apis.heartbeat, 4, frame).body.errorCode).toBe(27);
  });

  test('of old versions have none', () => {
    const frame = frameOf(encodeResponse(apis.heartbeat, 0, 7, { errorCode: 27 }));
    expect(frame.toString('hex')).toBe('00000007001b');
  });

  test('of ApiVersions never have tags in the header', () => {
    const body = { errorCode: 0, apiKeys: [] };
    const frame = frameOf(encodeResponse(apis.apiVersions, 4, 7, body));
    expect(frame.toString('hex')).toBe('00000007000001' + '0000000000');
    expect(decodeResponse(apis.apiVersions, 4, frame).correlationId).toBe(7);
  });

  test('that are cut are refused', () => {
    const frame = frameOf(encodeResponse(apis.heartbeat, 4, 7, { errorCode: 27 }));
    expect(() => decodeResponse(apis.heartbeat, 4, frame.subarray(0, 3))).toThrow(DecodeError);
    expect(() => decodeResponse(apis.heartbeat, 9, frame)).toThrow(DecodeError);
  });
});

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };
