/**
 * The door to the outside world. Every shell receives a `System`; cores never see one.
 * The real implementation is Node's; the simulation (test/simulation) supplies one on virtual time,
 * with a disk that forgets unsynced bytes and a network that delays, drops and partitions.
 */
import { type Clock, realClock } from './clock.ts';
import { type Disk, realDisk } from './disk.ts';
import { createLogger, type Logger } from './logger.ts';
import { type Net, realNet } from './net.ts';
import { type Random, realRandom } from './random.ts';
import { realWorkers, type Workers } from './workers.ts';

export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly net: Net;
  readonly logger: Logger;
  /** Absent where everything has to happen in order: in the simulation. */
  readonly workers?: Workers;
}

/** Node's own clock, randomness, files and sockets; logs go to `logger`, or nowhere. */
export const realSystem = (logger: Logger = createLogger({ level: 'silent' })): System => ({
  clock: realClock,
  random: realRandom,
  disk: realDisk,
  net: realNet,
  logger,
  workers: realWorkers,
});
