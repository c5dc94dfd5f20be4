/**
 * Looks into the programs of a simulated cluster without their knowing: which replica managers and which ZooKeeper tree
 * there are, and who became leader. Hooks a few public methods of their classes once per Node process; they serve the run
 * that is current, because only one runs at a time.
 */
import { PartitionState } from '../../broker/replication/partition.ts';
import { ReplicaManager } from '../../broker/replication/replica-manager.ts';
import type { System } from '../../system/system.ts';
import { ServerCore } from '../../zookeeper/server/core.ts';
import type { DataTree } from '../../zookeeper/server/tree.ts';

export interface Observer {
  replicaManagerStarted(manager: ReplicaManager): void;
  treeSeen(tree: DataTree): void;
  becameLeader(state: PartitionState): void;
}

let current: Observer | null = null;
let isHooked = false;

/** From now on `observer` is told; null: nobody. */
export const observe = (observer: Observer | null): void => {
  current = observer;
  if (isHooked) return;
  isHooked = true;
  hookReplicaManager();
  hookZooKeeper();
  hookPartitionState();
};

const hookReplicaManager = (): void => {
  const { start } = ReplicaManager.prototype;
  ReplicaManager.prototype.start = function (this: ReplicaManager) {
    current?.replicaManagerStarted(this);
    return start.call(this);
  };
};

const hookZooKeeper = (): void => {
  const { connect } = ServerCore.prototype;
  ServerCore.prototype.connect = function (this: ServerCore<never>, ...args) {
    current?.treeSeen(this.tree);
    return connect.apply(this, args);
  };
};

const hookPartitionState = (): void => {
  const { makeLeader } = PartitionState.prototype;
  PartitionState.prototype.makeLeader = function (this: PartitionState, ...args) {
    const hasChanged = makeLeader.apply(this, args);
    if (hasChanged) current?.becameLeader(this);
    return hasChanged;
  };
};

/** The replica managers of a run by the System they were given. */
export class ReplicaManagers {
  readonly #bySystem = new Map<System, ReplicaManager>();

  add(manager: ReplicaManager): void {
    this.#bySystem.set(manager.system, manager);
  }

  of(system: System | null | undefined): ReplicaManager | undefined {
    return system === null || system === undefined ? undefined : this.#bySystem.get(system);
  }
}
