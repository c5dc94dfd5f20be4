import { addChroot, stripChroot } from '../../zookeeper/chroot.ts';
import { parseConnectString } from '../../zookeeper/connect-string.ts';
import { ServerCycle } from '../../zookeeper/server-cycle.ts';

describe('a connect string', () => {
  test('names servers, with or without ports, and one chroot at its end', () => {
    expect(parseConnectString('a:1,b, [::1]:3 ,[fe80::2]/k/r')).toEqual({
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: '::1', port: 3 },
        { host: 'fe80::2', port: 2181 },
      ],
      chroot: '/k/r',
    });
    expect(parseConnectString('a/').chroot).toBe('');
    expect(parseConnectString('a').chroot).toBe('');
  });

  test.each(['', '/k', 'a:0', 'a:70000', 'a:x', '::1', '[::1', 'a/k/', 'a//k', 'a/../k', ','])(
    '%j is refused',
    (text) => {
      expect(() => parseConnectString(text)).toThrow('BAD_ARGUMENTS');
    },
  );

  test('the chroot is put before every path and taken away again', () => {
    for (const [path, whole] of [
      ['/', '/k'],
      ['/a', '/k/a'],
    ] as const) {
      expect(addChroot('/k', path)).toBe(whole);
      expect(stripChroot('/k', whole)).toBe(path);
      expect(addChroot('', path)).toBe(path);
      expect(stripChroot('', path)).toBe(path);
    }
  });
});

describe('the order of servers', () => {
  const random = { float: () => 0.5, int: () => 0, bytes: (count: number) => Buffer.alloc(count) };

  test('is shuffled once, then round robin; only later rounds wait, longer and longer', () => {
    const servers = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));
    const cycle = new ServerCycle(random, servers);
    const hosts: string[] = [];
    const delays: number[] = [];
    for (let attempt = 0; attempt < 30; attempt++) {
      delays.push(cycle.delayMs());
      hosts.push(cycle.next().host);
    }
    expect([...hosts.slice(0, 3)].sort()).toEqual(['a', 'b', 'c']);
    expect(hosts.slice(3, 6)).toEqual(hosts.slice(0, 3));
    expect(delays.slice(0, 7)).toEqual([0, 0, 0, 20, 20, 20, 40]);
    expect(Math.max(...delays)).toBe(500);
    cycle.reset();
    expect(cycle.delayMs()).toBe(0);
  });
});
