import { errorCodes, errorOf, errors, ProtocolError } from '../../protocol/errors.ts';

test('the codes are those of Kafka 3.9, without gaps', () => {
  const codes = Object.values(errors)
    .map(({ code }) => code)
    .sort((a, b) => a - b);
  expect(codes).toEqual(Array.from({ length: 129 }, (_, index) => index - 1));
  expect(errorCodes.NOT_LEADER_OR_FOLLOWER).toBe(6);
  expect(errorCodes.UNKNOWN_SERVER_ERROR).toBe(-1);
  expect(errorCodes.VOTER_NOT_FOUND).toBe(127);
});

test('every error but NONE has a text', () => {
  for (const { name, message } of Object.values(errors)) {
    expect(message === '').toBe(name === 'NONE');
  }
});

test('an unknown code counts as UNKNOWN_SERVER_ERROR', () => {
  expect(errorOf(9999)).toBe(errors.UNKNOWN_SERVER_ERROR);
  expect(errorOf(3)).toMatchObject({ name: 'UNKNOWN_TOPIC_OR_PARTITION', isRetriable: true });
});

test('retriable errors are those of Kafka', () => {
  const retriable = Object.values(errors).filter(({ isRetriable }) => isRetriable);
  expect(retriable.map(({ code }) => code).sort((a, b) => a - b)).toEqual([
    2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88,
    89, 100, 103, 106, 122, 123,
  ]);
  const refreshing = Object.values(errors).filter(({ refreshesMetadata }) => refreshesMetadata);
  expect(refreshing.map(({ code }) => code).sort((a, b) => a - b)).toEqual([
    3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103,
  ]);
});

test('a ProtocolError has the text of its code unless it is given one', () => {
  const error = new ProtocolError(errorCodes.REQUEST_TIMED_OUT);
  expect(error.message).toBe(errors.REQUEST_TIMED_OUT.message);
  expect(error).toMatchObject({ name: 'ProtocolError', code: 7, isRetriable: true });
  expect(new ProtocolError(errorCodes.INVALID_CONFIG, 'no').message).toBe('no');
});
