import { WatchRegistry } from '../../zookeeper/watch-registry.ts';

const handler = (): void => {};
const other = (): void => {};

describe('the registry of watches', () => {
  test('a read wants a watch exactly while somebody listens to that path', () => {
    const registry = new WatchRegistry();
    const endFirst = registry.addNodeHandler('/a', handler);
    const endOther = registry.addNodeHandler('/a', other);
    expect(registry.wantsNode('/a')).toBe(true);
    expect(registry.wantsNode('/a/b')).toBe(false);
    expect(registry.wantsChildren('/a')).toBe(false);
    endFirst();
    expect(registry.wantsNode('/a')).toBe(true);
    endOther();
    endOther();
    expect(registry.wantsNode('/a')).toBe(false);
  });

  test('ending an old registration leaves a new one alone', () => {
    const registry = new WatchRegistry();
    const end = registry.addNodeHandler('/a', handler);
    end();
    registry.addNodeHandler('/a', handler);
    end();
    expect(registry.wantsNode('/a')).toBe(true);
  });

  test('an event spends its watch; what was not armed is a stray', () => {
    const registry = new WatchRegistry();
    registry.addNodeHandler('/a', handler);
    const event = { type: 'dataChanged', path: '/a' } as const;
    expect(registry.take(event)).toEqual([]);
    registry.armNode('/a', 1n);
    expect(registry.take(event)).toEqual([handler]);
    expect(registry.take(event)).toEqual([]);
  });

  test('a deletion spends node and child watch and calls each handler once', () => {
    const registry = new WatchRegistry();
    registry.addNodeHandler('/a', handler);
    registry.addChildHandler('/a', handler);
    registry.addChildHandler('/a', other);
    registry.armNode('/a', 1n);
    registry.armChildren('/a', 1n);
    expect(registry.take({ type: 'deleted', path: '/a' })).toEqual([handler, other]);
    expect(registry.armed(1n)).toBeNull();
  });

  test('a change of children leaves the node watch armed, a change of data the child watch', () => {
    const registry = new WatchRegistry();
    registry.addNodeHandler('/a', handler);
    registry.addChildHandler('/a', other);
    registry.armNode('/a', 1n);
    registry.armChildren('/a', 2n);
    expect(registry.take({ type: 'childrenChanged', path: '/a' })).toEqual([other]);
    registry.armChildren('/a', 3n);
    expect(registry.take({ type: 'dataChanged', path: '/a' })).toEqual([handler]);
    expect(registry.armed(9n)).toEqual({
      lastZxid: 9n,
      data: new Map(),
      absent: new Set(),
      children: new Map([['/a', 3n]]),
    });
  });

  test('a new connection gets what is armed and still listened to; a new session nothing', () => {
    const registry = new WatchRegistry();
    registry.addNodeHandler('/data', handler);
    registry.addNodeHandler('/absent', handler);
    const end = registry.addNodeHandler('/ended', handler);
    registry.armNode('/data', null);
    registry.armNode('/data', 4n);
    registry.armNode('/absent', 4n);
    registry.armNode('/absent', null);
    registry.armNode('/ended', 4n);
    end();
    expect(registry.armed(5n)).toEqual({
      lastZxid: 5n,
      data: new Map([['/data', 4n]]),
      absent: new Set(['/absent']),
      children: new Map(),
    });
    registry.disarm();
    expect(registry.armed(5n)).toBeNull();
    expect(registry.wantsNode('/data')).toBe(true);
  });
});
