/** Events of a simulated run in the order of their time, those of one time in the order in which they were made. */

/** The process an event belongs to. */
export interface EventOwner {
  readonly isAlive: boolean;
  readonly isPaused: boolean;
  /** Events that came while it stood still. */
  readonly held: SimEvent[];
}

export interface SimEvent {
  atMs: number;
  sequence: number;
  /** Whose event it is: dropped when that process has ended, held back while it stands still; null: the world's own. */
  readonly process: EventOwner | null;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** A binary heap. */
export class EventQueue {
  readonly #heap: SimEvent[] = [];

  get size(): number {
    return this.#heap.length;
  }

  peek(): SimEvent | undefined {
    return this.#heap[0];
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as SimEvent;
      if (!isBefore(event, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  pop(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, heap[childIndex] as SimEvent)) childIndex += 1;
      const child = heap[childIndex] as SimEvent;
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
    return first;
  }
}

const isBefore = (a: SimEvent, b: SimEvent): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
