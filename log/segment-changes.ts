/**
 * Segments that give their place to others: the files of a cleaned copy take their names, and
 * whoever reads segments by their names learns of it. Kafka's order of steps, so that either finds
 * its way in what the other has left behind after a crash (log-loader.ts).
 */
import type { Disk } from '../system/disk.ts';
import { CLEANED_SUFFIX, parentOf, SEGMENT_SUFFIXES, SWAP_SUFFIX } from './file-names.ts';

export class SegmentChanges {
  #count = 0;
  /** Segments change their names; who reads must wait for it. */
  #underWay: Promise<unknown> = Promise.resolve();

  /** Segments have gone, or others have taken their place. */
  note(): void {
    this.#count += 1;
  }

  /** Runs a job that puts others in the place of segments. */
  async run(job: () => Promise<void>): Promise<void> {
    this.#count += 1;
    const running = job().finally(() => {
      this.#count += 1;
    });
    this.#underWay = running.catch(() => {});
    await running;
  }

  /**
   * Runs a job that only reads, again when segments went or were replaced meanwhile: it may have
   * met files that are no longer what they were.
   */
  async stable<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#underWay;
      const count = this.#count;
      try {
        const result = await read();
        if (count === this.#count) return result;
      } catch (error) {
        if (count === this.#count) throw error;
      }
    }
  }
}

/**
 * Gives the complete `.cleaned` files at `path` (directory and offset) their final names, after
 * `removeOld` has taken those of the segments they replace, and synced that. Data first: see
 * log-loader.ts.
 */
export const swapIn = async (
  disk: Disk,
  path: string,
  removeOld: () => Promise<void>,
): Promise<void> => {
  const suffixes: string[] = [];
  for (const suffix of SEGMENT_SUFFIXES)
    if ((await disk.info(path + suffix + CLEANED_SUFFIX)) !== null) suffixes.push(suffix);
  for (const suffix of suffixes)
    await disk.move(path + suffix + CLEANED_SUFFIX, path + suffix + SWAP_SUFFIX);
  await disk.syncDirectory(parentOf(path));
  // From here on the copy counts, whatever happens.
  await removeOld();
  for (const suffix of suffixes) await disk.move(path + suffix + SWAP_SUFFIX, path + suffix);
  await disk.syncDirectory(parentOf(path));
};
