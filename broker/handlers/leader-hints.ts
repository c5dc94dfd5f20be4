/** Where a client that asked the wrong broker should go (KIP-951): the leader as this broker knows it, and its address. */
import type { Services } from '../services.ts';

/** The local replica's view where there is one, else the controller's last word. */
export const leaderHint = (
  { replicas, metadata }: Services,
  topic: string,
  partition: number,
): { leaderId: number; leaderEpoch: number } => {
  const replica = replicas.get(topic, partition);
  if (replica !== undefined)
    return { leaderId: replica.state.leaderId, leaderEpoch: replica.state.leaderEpoch };
  const known = metadata.partition(topic, partition);
  return { leaderId: known?.leader ?? -1, leaderEpoch: known?.leaderEpoch ?? -1 };
};

/** The addresses of those among `leaders` that are alive on the client's listener. */
export const nodeEndpoints = (
  { metadata }: Services,
  leaders: Iterable<number>,
  listenerName: string,
): { nodeId: number; host: string; port: number; rack: string | null }[] =>
  [...leaders].flatMap((id) => {
    const broker = metadata.aliveBroker(id, listenerName);
    if (broker === undefined) return [];
    return { nodeId: id, host: broker.host, port: broker.port, rack: broker.rack };
  });
