/**
 * What Kafka refuses about topics to be made (Topic.validate, AdminZkClient, ZkAdminManager), with
 * its own words. Pure.
 */
import { topicNameProblem } from '../protocol/topic-names.ts';
import { type Refusal, refusal } from './refusals.ts';

const CLUSTER_METADATA = '__cluster_metadata';

/** Why `name` cannot be a topic's, or null. */
export const judgeName = (name: string): Refusal | null => {
  if (name === CLUSTER_METADATA) {
    return refusal('INVALID_REQUEST', `Creation of internal topic ${name} is prohibited.`);
  }
  const problem = topicNameProblem(name);
  return problem === null ? null : refusal('INVALID_TOPIC_EXCEPTION', problem);
};

/** Names that differ in `.` and `_` only would share a metric's name. */
export const judgeCollision = (
  name: string,
  ...existing: readonly Iterable<string>[]
): Refusal | null => {
  if (!/[._]/.test(name)) return null;
  const plain = (text: string): string => text.replaceAll('.', '_');
  const others = new Set(existing.flatMap((names) => [...names]));
  const colliding = [...others].filter((other) => plain(other) === plain(name));
  return colliding.length === 0
    ? null
    : refusal(
        'INVALID_TOPIC_EXCEPTION',
        `Topic '${name}' collides with existing topics: ${colliding.join(', ')}`,
      );
};

/** The counts for automatic placement. */
export const judgeCounts = (
  partitionCount: number,
  replicationFactor: number,
  brokerCount: number,
): Refusal | null => {
  if (partitionCount <= 0) {
    return refusal('INVALID_PARTITIONS', 'Number of partitions must be larger than 0.');
  }
  if (replicationFactor <= 0) {
    return refusal('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0.');
  }
  if (replicationFactor > brokerCount) {
    return refusal(
      'INVALID_REPLICATION_FACTOR',
      `Replication factor: ${replicationFactor} larger than available brokers: ${brokerCount}.`,
    );
  }
  return null;
};

/** A whole assignment by hand. Brokers that do not exist are allowed, as in Kafka. */
export const judgeAssignment = (
  assignment: ReadonlyMap<number, readonly number[]>,
): Refusal | null => {
  const invalid = (message: string): Refusal => refusal('INVALID_REPLICA_ASSIGNMENT', message);
  const lists = [...assignment.values()];
  if (new Set(lists.map(({ length }) => length)).size !== 1 || lists[0]?.length === 0) {
    return invalid('All partitions should have the same number of replicas');
  }
  if (lists.some((replicas) => new Set(replicas).size !== replicas.length)) {
    return invalid('Duplicate replica assignment found');
  }
  const numbers = [...assignment.keys()].sort((a, b) => a - b);
  if (numbers.some((number, index) => number !== index)) {
    return invalid('Partitions should be a consecutive 0-based integer sequence');
  }
  return null;
};

/** The assignments of partitions to be added; `replicationFactor` is that of partition 0. */
export const judgeAddedAssignments = (
  assignments: readonly { readonly brokerIds: readonly number[] }[],
  options: {
    readonly firstPartition: number;
    readonly addedCount: number;
    readonly replicationFactor: number;
    readonly brokerIds: ReadonlySet<number>;
  },
): Refusal | null => {
  const { firstPartition, addedCount, replicationFactor, brokerIds } = options;
  const invalid = (message: string): Refusal => refusal('INVALID_REPLICA_ASSIGNMENT', message);
  const unknown = new Set(assignments.flatMap((item) => item.brokerIds));
  for (const id of brokerIds) unknown.delete(id);
  if (unknown.size > 0) {
    return invalid(`Unknown broker(s) in replica assignment: ${[...unknown].join(', ')}.`);
  }
  if (assignments.length !== addedCount) {
    return invalid(
      `Increasing the number of partitions by ${addedCount} ` +
        `but ${assignments.length} assignments provided.`,
    );
  }
  for (const [index, { brokerIds: replicas }] of assignments.entries()) {
    const partition = firstPartition + index;
    if (replicas.length === 0) {
      return invalid(
        `Cannot have replica assignment with no replicas for partition id ${partition}.`,
      );
    }
    if (new Set(replicas).size !== replicas.length) {
      return invalid(
        `Duplicate brokers not allowed in replica assignment: ${replicas.join(', ')} ` +
          `for partition id ${partition}.`,
      );
    }
  }
  const odd = assignments.flatMap(({ brokerIds: { length } }, index) =>
    length === replicationFactor ? [] : [{ partition: firstPartition + index, length }],
  );
  if (odd.length === 0) return null;
  const partitions = odd.map(({ partition }) => partition).join(', ');
  const factors = odd.map(({ length }) => length).join(', ');
  return invalid(
    'Inconsistent replication factor between partitions, ' +
      `partition 0 has ${replicationFactor} while partitions [${partitions}] ` +
      `have replication factors [${factors}], respectively.`,
  );
};
