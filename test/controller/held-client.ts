/** A ZooKeeper client that a test keeps waiting at a place of its choice. */
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { until } from '../integration/waiting.ts';

/** A client whose answers to one kind of question, about one path, a test may keep back. */
export const holding = (client: ZooKeeperClient) => {
  let held: { readonly question: string; readonly until: Promise<void> } | null = null;
  const asked = { count: 0 };
  const proxy = new Proxy(client, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const answer: unknown = value.apply(target, args);
        if (held?.question !== `${String(name)} ${args[0]}`) return answer;
        asked.count += 1;
        const { until: released } = held;
        return released.then(() => answer);
      };
    },
  });
  /** Keeps answers back; resolves, when the first has been asked for, to what lets them go. */
  const hold = async (question: string): Promise<() => void> => {
    let release: () => void = () => {};
    const mine = { question, until: new Promise<void>((resolve) => (release = resolve)) };
    held = mine;
    asked.count = 0;
    await until(`somebody asks: ${question}`, () => asked.count > 0);
    return () => {
      if (held === mine) held = null;
      release();
    };
  };
  return { client: proxy, hold };
};
