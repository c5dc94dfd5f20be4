/** One run of a program on a simulated machine; what is made for it (events, sockets, locks) goes dead with it. */
import type { System } from '../../system/system.ts';
import type { EventOwner, SimEvent } from './event-queue.ts';

/** The machine as the network sees it. */
export interface Place {
  readonly name: string;
  readonly address: string;
  /** Without power nothing on it answers, not even with a refusal. */
  readonly isUp: boolean;
}

export class SimProcess implements EventOwner {
  readonly place: Place;
  readonly name: string;
  isAlive = true;
  /** Stands still, as under SIGSTOP or a long collection of garbage: its events wait. */
  isPaused = false;
  readonly held: SimEvent[] = [];
  /** What its program was given; parts of the program can be told apart by it. */
  system: System | null = null;

  constructor(place: Place, name: string) {
    this.place = place;
    this.name = name;
  }
}
