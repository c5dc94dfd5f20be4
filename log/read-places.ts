/**
 * Where in a segment's file the readers are that go through it in order: each asks next for the offset behind what it has just
 * got. The index alone knows a place up to a batch or an index interval before that, from where everything had to be read
 * again. Pure. True as long as the file only grows; after a cut begin with a new one.
 */

/** Of one segment; who comes back later than so many others goes by the index. */
const READERS_MAX = 16;

export class ReadPlaces {
  /** Positions by the offset behind them, the stalest first. */
  readonly #positions = new Map<number, number>();

  /** A batch that ends before `nextOffset` ends at `position`. */
  note(nextOffset: number, position: number): void {
    this.#positions.delete(nextOffset);
    this.#positions.set(nextOffset, position);
    if (this.#positions.size <= READERS_MAX) return;
    const [stalest] = this.#positions.keys();
    if (stalest !== undefined) this.#positions.delete(stalest);
  }

  /** Where the batch begins that holds `offset`, or the first one behind it; null when no reader has been there lately. */
  at(offset: number): number | null {
    return this.#positions.get(offset) ?? null;
  }
}
