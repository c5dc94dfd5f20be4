/**
 * New topics and partitions: what the controller does when the list of topics or one topic's znode
 * has changed (Kafka's TopicChange and PartitionModifications). Topics are made by whoever handles
 * CreateTopics; the controller only follows. Deletion is in topic-deletion.ts.
 */
import { log, type Procedure, perform, type TopicContent } from './commands.ts';
import { changePartitions } from './partition-states.ts';
import { changeReplicas, replicasOf } from './replica-states.ts';
import {
  type ControllerState,
  createPartition,
  type Partition,
  putTopic,
  removeTopic,
} from './state.ts';

/** Takes over topics that have appeared and forgets those that are gone. */
export function* onTopicChange(state: ControllerState): Procedure {
  const names = new Set(yield* perform<'readTopicNames'>({ type: 'readTopicNames' }));
  const gone = [...state.topics.keys()].filter((name) => !names.has(name));
  const added = [...names].filter((name) => !state.topics.has(name));
  if (gone.length > 0) {
    yield* perform<'unwatchTopics'>({ type: 'unwatchTopics', names: gone });
    for (const name of gone) removeTopic(state, name);
  }
  if (added.length === 0) return;
  const contents = yield* perform<'readTopics'>({ type: 'readTopics', names: added });
  const partitions = contents.flatMap((content) => takeNewPartitions(state, content));
  yield* createPartitions(state, partitions);
}

/**
 * A topic's znode has changed. Only partitions that are new count; other edits of the znode are
 * ignored.
 */
export function* onTopicModified(state: ControllerState, name: string): Procedure {
  const [content] = yield* perform<'readTopics'>({ type: 'readTopics', names: [name] });
  if (content === undefined || !state.topics.has(name)) return;
  if (state.topicsToDelete.has(name)) {
    const known = state.topics.get(name)?.partitions;
    if ([...content.partitions.keys()].some((index) => !known?.has(index))) {
      yield* restoreTopic(state, content);
    }
    return;
  }
  yield* createPartitions(state, takeNewPartitions(state, content));
}

/** Writes a topic's znode with these partitions and the id known. */
export function* writeTopic(
  state: ControllerState,
  name: string,
  partitions: TopicContent['partitions'],
): Procedure {
  const id = state.topics.get(name)?.id ?? '';
  yield* perform<'writeTopic'>({ type: 'writeTopic', topic: { name, id, partitions } });
}

/** Adds the partitions of `content` that are not known yet, and returns these. */
export const takeNewPartitions = (state: ControllerState, content: TopicContent): Partition[] => {
  const topic = putTopic(state, content);
  const added: Partition[] = [];
  for (const [index, assignment] of content.partitions) {
    if (topic.partitions.has(index)) continue;
    const partition = createPartition(content.name, index, assignment);
    topic.partitions.set(index, partition);
    added.push(partition);
  }
  return added;
};

/** Brings new partitions to life: their states are written and their replicas told. */
function* createPartitions(state: ControllerState, partitions: readonly Partition[]): Procedure {
  if (partitions.length === 0) return;
  const replicas = replicasOf(partitions);
  yield* changePartitions(state, partitions, 'new');
  yield* changeReplicas(state, replicas, 'new');
  yield* changePartitions(state, partitions, 'online');
  yield* changeReplicas(state, replicas, 'online');
}

/** Takes back partitions that somebody added to a topic while it is being deleted. */
function* restoreTopic(state: ControllerState, content: TopicContent): Procedure {
  const { name } = content;
  yield* log('warn', `partitions were added to ${name}, which is being deleted; they are removed`);
  const numbers = yield* perform<'readPartitionNumbers'>({
    type: 'readPartitionNumbers',
    topic: name,
  });
  const known = state.topics.get(name)?.partitions;
  const kept = new Map<number, Partition>();
  for (const index of numbers) {
    const partition = known?.get(index);
    if (partition !== undefined && content.partitions.has(index)) kept.set(index, partition);
  }
  yield* writeTopic(state, name, kept);
}
