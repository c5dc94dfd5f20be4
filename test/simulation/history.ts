/**
 * What was promised during a run: which record stands at which offset, by everybody who was told. An offset once known to
 * hold a record (an acknowledgement, a consumer's read) holds it for ever.
 */
import { Violation } from './world.ts';

/** One record of a producer; its text is unique in a run. */
export interface Produced {
  readonly producer: string;
  readonly number: number;
}

export const textOfProduced = ({ producer, number }: Produced): string => `${producer}:${number}`;

export class PartitionHistory {
  readonly name: string;
  /** By offset. */
  readonly values: (string | undefined)[] = [];
  /** The offset behind the last acknowledged record. */
  ackedEnd = 0;
  ackedCount = 0;

  constructor(name: string) {
    this.name = name;
  }

  acked(baseOffset: number, values: readonly string[]): void {
    for (const [index, value] of values.entries())
      this.seen(baseOffset + index, value, 'acknowledged');
    this.ackedEnd = Math.max(this.ackedEnd, baseOffset + values.length);
    this.ackedCount += values.length;
  }

  seen(offset: number, value: string, how: string): void {
    const before = this.values[offset];
    if (before !== undefined && before !== value)
      throw new Violation(`${this.name} offset ${offset}: was ${before}, now ${how} is ${value}`);
    this.values[offset] = value;
  }
}

export class History {
  readonly topic: string;
  readonly partitions: readonly PartitionHistory[];

  constructor(topic: string, partitionCount: number) {
    this.topic = topic;
    this.partitions = Array.from(
      { length: partitionCount },
      (_, partition) => new PartitionHistory(`${topic}-${partition}`),
    );
  }

  of(partition: number): PartitionHistory {
    const found = this.partitions[partition];
    if (found === undefined) throw new Error(`no partition ${partition}`);
    return found;
  }

  get ackedCount(): number {
    return this.partitions.reduce((sum, { ackedCount }) => sum + ackedCount, 0);
  }
}
