/**
 * The in-sync replicas as a leader sees them: committed, or with one change in flight to the controller (KIP-497).
 * While a change is in flight the high watermark is held by the larger of the two sets, because the controller may
 * already have applied either.
 */

export type IsrState =
  | { readonly type: 'committed'; readonly isr: readonly number[] }
  | {
      readonly type: 'pendingExpand';
      readonly added: number;
      readonly committed: readonly number[];
    }
  | {
      readonly type: 'pendingShrink';
      readonly removed: readonly number[];
      readonly committed: readonly number[];
    };

export const committedIsr = (isr: readonly number[]): IsrState => ({ type: 'committed', isr });

/** What the controller last confirmed. */
export const isrOf = (state: IsrState): readonly number[] =>
  state.type === 'committed' ? state.isr : state.committed;

/** Every replica that may be in the ISR. */
export const maximalIsr = (state: IsrState): readonly number[] =>
  state.type === 'pendingExpand' ? [...state.committed, state.added] : isrOf(state);

/** The ISR the leader asks for. */
export const proposedIsr = (state: IsrState): readonly number[] => {
  switch (state.type) {
    case 'committed':
      return state.isr;
    case 'pendingExpand':
      return [...state.committed, state.added];
    case 'pendingShrink':
      return state.committed.filter((id) => !state.removed.includes(id));
  }
};
