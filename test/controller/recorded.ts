/**
 * Recorded dialogues (test/fixtures/controller, cut down from Apache Kafka 3.9.1): what the
 * controller sent to whom, in order, and the requests it got. A cluster model is set up from the
 * states that the first requests mention.
 */
import { readFileSync } from 'node:fs';
import type { RequestBody } from '../../controller/events.ts';
import type { Leadership } from '../../controller/state.ts';
import type { ClusterModel } from './cluster-model.ts';

interface SentLine {
  readonly to: number;
  readonly text: string;
}

interface RequestLine {
  readonly from: string;
  readonly api: string;
  readonly version: number;
  readonly request: unknown;
  readonly response: unknown;
}

export interface Dialogue {
  readonly topicIds: { readonly [id: string]: string };
  readonly lines: readonly (SentLine | RequestLine)[];
}

export const readDialogue = (name: string): Dialogue =>
  JSON.parse(readFileSync(`${__dirname}/../fixtures/controller/${name}.json`, 'utf8'));

export const requestsOf = (dialogue: Dialogue, api: string): RequestLine[] =>
  dialogue.lines.filter((line): line is RequestLine => 'api' in line && line.api === api);

export const isSent = (line: SentLine | RequestLine): line is SentLine => 'text' in line;

/** The texts sent to each broker, in order. */
export const sentByBroker = (dialogue: Dialogue): Map<number, string[]> => {
  const result = new Map<number, string[]>();
  for (const line of dialogue.lines) {
    if (isSent(line)) result.set(line.to, [...(result.get(line.to) ?? []), line.text]);
  }
  return result;
};

export interface Mention {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly state: Leadership;
  /** Mentioned first in a LeaderAndIsr, hence changed by then (or told anew). */
  readonly isInLeaderAndIsr: boolean;
}

/**
 * The first mention of every partition in LeaderAndIsr, or (where there is none) in
 * UpdateMetadata.
 */
export const mentionsOf = (dialogue: Dialogue): Map<string, Mention> => {
  const mentions = new Map<string, Mention>();
  for (const api of ['LeaderAndIsr', 'UpdateMetadata']) {
    for (const line of dialogue.lines) {
      if (!isSent(line) || !line.text.startsWith(`${api}[`)) continue;
      for (const text of line.text.slice(api.length + 1, line.text.indexOf(']')).split('; ')) {
        const [key] = text.split(' ');
        if (key === undefined || key === '' || mentions.has(key)) continue;
        mentions.set(key, mentionOf(key, text, api === 'LeaderAndIsr'));
      }
    }
  }
  return mentions;
};

const mentionOf = (key: string, text: string, isInLeaderAndIsr: boolean): Mention => {
  const word = (name: string): string => new RegExp(` ${name} (\\S+)`).exec(text)?.[1] ?? '';
  const ids = (name: string): number[] => word(name).split(',').filter(Boolean).map(Number);
  const dash = key.lastIndexOf('-');
  return {
    topic: key.slice(0, dash),
    partition: Number(key.slice(dash + 1)),
    replicas: ids('replicas'),
    isInLeaderAndIsr,
    state: {
      leader: Number(word('leader')),
      leaderEpoch: Number(word('epoch')),
      isr: ids('isr'),
      leaderRecoveryState: text.includes(' recovering') ? 1 : 0,
      controllerEpoch: Number(word('by')),
      partitionEpoch: Number(word('version')),
    },
  };
};

/**
 * Sets up the topics that `dialogue` mentions; `before` says what a state was before the recording
 * began.
 */
export const setUp = (
  model: ClusterModel,
  dialogue: Dialogue,
  before: (mention: Mention) => Partial<Leadership>,
): void => {
  const topics = new Map<string, (readonly number[])[]>();
  const mentions = [...mentionsOf(dialogue).values()];
  for (const { topic, partition, replicas } of mentions) {
    const assignments = topics.get(topic) ?? [];
    assignments[partition] = replicas;
    topics.set(topic, assignments);
  }
  const ids = new Map(Object.entries(dialogue.topicIds).map(([id, name]) => [name, id]));
  for (const [name, assignments] of topics) {
    model.putTopic(
      name,
      Array.from(assignments, (ids) => ids ?? []),
      ids.get(name),
    );
  }
  for (const mention of mentions) {
    const state = { ...mention.state, ...before(mention) };
    model.putState(mention.topic, mention.partition, state);
  }
};

/** A recorded AlterPartition as the core gets it, with the sender's epoch of the model. */
export const alterPartitionOf = (
  model: ClusterModel,
  line: RequestLine,
): RequestBody<'alterPartition'> => {
  const request = line.request as RequestBody<'alterPartition'>;
  return {
    ...request,
    brokerEpoch: model.brokers.get(request.brokerId)?.epoch ?? -1n,
    topics: request.topics.map((topic) => ({
      ...topic,
      topicName: '',
      partitions: topic.partitions.map((partition) => ({ ...partition, newIsr: [] })),
    })),
  };
};
