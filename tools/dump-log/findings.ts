/**
 * What is wrong with the files, gathered while they are dumped and told at the end on standard
 * error, in Kafka's words and order (DumpLogSegments and its TimeIndexDumpErrors).
 */
import { javaHash } from '../../protocol/java-hash.ts';
import { ScalaTable } from './scala-order.ts';

/** Numbers at eight bytes each: a compacted log has millions of gaps. */
class LongList {
  #numbers = new BigInt64Array(16);
  length = 0;

  push(number: bigint): void {
    if (this.length === this.#numbers.length) {
      const larger = new BigInt64Array(this.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.length++] = number;
  }

  at(index: number): bigint {
    return this.#numbers[index] as bigint;
  }
}

/** Pairs of numbers that contradict each other, by absolute path of the file. */
class Pairs {
  readonly #numbers = new Map<string, LongList>();
  readonly #table = new ScalaTable();

  add(path: string, first: bigint, second: bigint): void {
    this.#table.beforePut(this.#numbers.size);
    const known = this.#numbers.get(path) ?? new LongList();
    this.#numbers.set(path, known);
    known.push(first);
    known.push(second);
  }

  entries(): [string, LongList][] {
    return this.#table.sorted([...this.#numbers], ([path]) => javaHash(path));
  }
}

/** How pairs are told. */
interface Telling {
  readonly title: (path: string) => string;
  readonly line: (first: bigint, second: bigint) => string;
  /** Kafka puts some at the head of a list, and so tells the last one first. */
  readonly isReversed?: boolean;
}

export class Findings {
  /** An offset index has one offset for a batch that ends with another. */
  readonly indexMismatches = new Pairs();
  readonly timeMismatches = new Pairs();
  readonly timesOutOfOrder = new Pairs();
  /** The second is the end of the batch that holds the first; -1 when there is none. */
  readonly offsetsNotFound = new Pairs();
  /** Records of a log that follow each other and yet are not next to each other. */
  readonly gaps = new Pairs();

  /** The lines of the report; none when nothing is wrong. */
  *report(): Generator<string> {
    yield* tell(this.indexMismatches, {
      title: (path) => `Mismatches in :${path}`,
      line: (index, log) => `  Index offset: ${index}, log offset: ${log}`,
      isReversed: true,
    });
    yield* tell(this.timeMismatches, {
      title: (path) => `Found timestamp mismatch in :${path}`,
      line: (index, log) => `  Index timestamp: ${index}, log timestamp: ${log}`,
    });
    yield* tell(this.timesOutOfOrder, {
      title: (path) => `Found out of order timestamp in :${path}`,
      line: (index, previous) =>
        `  Index timestamp: ${index}, Previously indexed timestamp: ${previous}`,
    });
    yield* tell(this.offsetsNotFound, {
      title: () => 'The following indexed offsets are not found in the log.',
      line: (index, log) => `Indexed offset: ${index}, found log offset: ${log}`,
    });
    yield* tell(this.gaps, {
      title: (path) => `Non-consecutive offsets in ${path}`,
      line: (first, second) => `  ${first} is followed by ${second}`,
      isReversed: true,
    });
  }
}

function* tell(pairs: Pairs, { title, line, isReversed = false }: Telling): Generator<string> {
  for (const [path, numbers] of pairs.entries()) {
    yield title(path);
    for (let index = 0; index < numbers.length; index += 2) {
      const at = isReversed ? numbers.length - 2 - index : index;
      yield line(numbers.at(at), numbers.at(at + 1));
    }
  }
}
