/** A group as its record in __consumer_offsets tells of it. */

export interface MemberSnapshot {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeout: number;
  readonly sessionTimeout: number;
  readonly subscription: Buffer;
  readonly assignment: Buffer;
}

/** What the group's record in __consumer_offsets says. */
export interface GroupSnapshot {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** -1: unknown. */
  readonly currentStateTimestamp: number;
  readonly members: readonly MemberSnapshot[];
}
