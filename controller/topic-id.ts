/** New topic ids (KIP-516). */
import { randomUuid } from '../system/random.ts';
import type { System } from '../system/system.ts';

/** A random id that no command line takes for an option. */
export const createTopicId = (system: System): string => {
  for (;;) {
    const id = randomUuid(system.random);
    if (!id.startsWith('-')) return id;
  }
};
