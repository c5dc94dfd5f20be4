/**
 * Control requests as lines of text, the same for our bodies and for those recorded from Apache
 * Kafka as JSON.
 */

interface PartitionText {
  readonly partitionIndex: number;
  readonly controllerEpoch?: number;
  readonly leader?: number;
  readonly leaderEpoch: number;
  readonly isr?: readonly number[];
  readonly partitionEpoch?: number;
  readonly zkVersion?: number;
  readonly replicas?: readonly number[];
  readonly addingReplicas?: readonly number[];
  readonly removingReplicas?: readonly number[];
  readonly offlineReplicas?: readonly number[];
  readonly isNew?: boolean;
  readonly leaderRecoveryState?: number;
  readonly deletePartition?: boolean;
}

export interface RequestBodyText {
  readonly controllerEpoch: number;
  readonly topicStates: readonly {
    readonly topicName: string;
    readonly partitionStates: readonly PartitionText[];
  }[];
  readonly liveLeaders?: readonly { readonly brokerId: number }[];
  readonly liveBrokers?: readonly { readonly id: number }[];
}

const list = (name: string, ids: readonly number[] | undefined): string[] =>
  ids === undefined || ids.length === 0 ? [] : [`${name} ${ids.join(',')}`];

const partitionText = (topic: string, state: PartitionText): string =>
  [
    `${topic}-${state.partitionIndex}`,
    ...(state.leader === undefined ? [] : [`leader ${state.leader}`]),
    `epoch ${state.leaderEpoch}`,
    ...(state.isr === undefined ? [] : [`isr ${state.isr.join(',')}`]),
    ...(state.partitionEpoch === undefined ? [] : [`version ${state.partitionEpoch}`]),
    ...(state.zkVersion === undefined ? [] : [`version ${state.zkVersion}`]),
    ...(state.controllerEpoch === undefined ? [] : [`by ${state.controllerEpoch}`]),
    ...list('replicas', state.replicas),
    ...list('adding', state.addingReplicas),
    ...list('removing', state.removingReplicas),
    ...list('offline', state.offlineReplicas),
    ...(state.isNew ? ['new'] : []),
    ...(state.leaderRecoveryState ? ['recovering'] : []),
    ...(state.deletePartition ? ['delete'] : []),
  ].join(' ');

/** `LeaderAndIsr[t-0 leader 1 …; t-1 …] leaders 1,2`, partitions in the order of their names. */
export const requestText = (api: string, body: RequestBodyText): string => {
  const partitions = body.topicStates
    .flatMap(({ topicName, partitionStates }) =>
      partitionStates.map((state) => partitionText(topicName, state)),
    )
    .sort();
  const sorted = (ids: readonly number[]): string => [...ids].sort((a, b) => a - b).join(',');
  return [
    `${api}[${partitions.join('; ')}]`,
    ...(body.liveLeaders === undefined
      ? []
      : [`leaders ${sorted(body.liveLeaders.map(({ brokerId }) => brokerId))}`]),
    ...(body.liveBrokers === undefined
      ? []
      : [`brokers ${sorted(body.liveBrokers.map(({ id }) => id))}`]),
  ].join(' ');
};
