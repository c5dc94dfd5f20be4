import { firstSessionId, passwordOf, SessionTracker } from '../../../zookeeper/server/sessions.ts';

test('a session lives for its timeout and at the most a tick longer', () => {
  const tracker = new SessionTracker(2000, 10_500);
  tracker.add(1n, 6000, 10_500);
  expect(tracker.expire(16_500)).toEqual([]);
  expect(tracker.expire(17_999)).toEqual([]);
  expect(tracker.expire(18_000)).toEqual([1n]);
  expect(tracker.touch(1n, 6000, 18_000)).toBe(false);
});

test('a touched session is in its last bucket only', () => {
  const tracker = new SessionTracker(500, 0);
  tracker.add(1n, 1000, 0);
  tracker.touch(1n, 1000, 1400);
  expect(tracker.expire(2000)).toEqual([]);
  expect(tracker.expire(2500)).toEqual([1n]);
});

test('passwords are those ZooKeeper gives, so that sessions survive a change of server', () => {
  expect(passwordOf(0x01000076e7260000n).toString('hex')).toBe('78e94688a56928d316053c59f6360a45');
});

test('session ids stay above those in use, also when the clock has gone back', () => {
  const used = firstSessionId(2_000_000, []) + 5n;
  expect(firstSessionId(1_000_000, [used])).toBeGreaterThan(used);
});
