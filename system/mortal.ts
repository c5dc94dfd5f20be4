/**
 * A System that can be killed: what `kill -9` is to a process, for a broker that shares its process with others. Sockets
 * are cut, ports and locks freed, timers stopped; whatever the dead still ask for never happens and never returns.
 * What was written to files stays, as the page cache would keep it.
 */
import type { Clock, Timer } from './clock.ts';
import type { Disk, DiskFile, DiskLock } from './disk.ts';
import type { Connection, Net, ServerSocket } from './net.ts';
import type { System } from './system.ts';

export interface MortalSystem {
  readonly system: System;
  kill(): void;
}

export const mortalSystem = (base: System): MortalSystem => {
  const life = new Life();
  return {
    system: {
      ...base,
      clock: mortalClock(base.clock, life),
      net: mortalNet(base.net, life),
      disk: mortalDisk(base.disk, life),
    },
    kill: () => life.end(),
  };
};

/** What has to be undone at death. */
class Life {
  isOver = false;
  readonly #endings = new Set<() => void>();
  /** Disk operations under way. Death does not stop them: the kernel, too, ends a call before its process. */
  #operationCount = 0;
  readonly #idleWaiters: (() => void)[] = [];

  /** Registers `ending`; the returned function takes it back. What comes to a life that is over ends at once. */
  atEnd(ending: () => void): () => void {
    if (this.isOver) ending();
    else this.#endings.add(ending);
    return () => void this.#endings.delete(ending);
  }

  end(): void {
    this.isOver = true;
    for (const ending of [...this.#endings]) ending();
    this.#endings.clear();
  }

  /** Resolves when no disk operation is under way any more, after the end. */
  async stillness(): Promise<void> {
    if (this.#operationCount > 0)
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** A disk operation; as `guard`. */
  operate<T>(start: () => Promise<T>): Promise<T> {
    return this.guard(async () => {
      this.#operationCount += 1;
      try {
        return await start();
      } finally {
        this.#operationCount -= 1;
        if (this.#operationCount === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
      }
    });
  }

  /** What `start` gives, unless life has ended by the time it settles: then nothing ever. */
  async guard<T>(start: () => Promise<T>): Promise<T> {
    if (this.isOver) return never();
    try {
      const value = await start();
      return this.isOver ? never() : value;
    } catch (error) {
      if (this.isOver) return never();
      throw error;
    }
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => {});

const mortalClock = (clock: Clock, life: Life): Clock => {
  const setTimer = (delayMs: number, callback: () => void): Timer => {
    if (life.isOver) return { cancel: () => {} };
    const timer = clock.setTimer(delayMs, () => {
      forget();
      callback();
    });
    const forget = life.atEnd(() => timer.cancel());
    return {
      cancel: () => {
        forget();
        timer.cancel();
      },
    };
  };
  return {
    nowMs: () => clock.nowMs(),
    elapsedMs: () => clock.elapsedMs(),
    setTimer,
    defer: (callback) =>
      clock.defer(() => {
        if (!life.isOver) callback();
      }),
    sleep: (delayMs) => new Promise((resolve) => void setTimer(delayMs, resolve)),
  };
};

const mortalNet = (net: Net, life: Life): Net => ({
  listen: (options, onConnection) =>
    life.guard(async () => {
      const server = await net.listen(options, (connection) => {
        if (life.isOver) connection.destroy();
        else onConnection(mortalConnection(connection, life));
      });
      return mortalServer(server, life);
    }),
  connect: (options) => life.guard(async () => mortalConnection(await net.connect(options), life)),
});

const mortalServer = (server: ServerSocket, life: Life): ServerSocket => {
  const forget = life.atEnd(() => void server.close());
  return {
    address: server.address,
    port: server.port,
    close: async () => {
      forget();
      await server.close();
    },
  };
};

const mortalConnection = (connection: Connection, life: Life): Connection => {
  const forget = life.atEnd(() => connection.destroy());
  const ifAlive = (callback: (() => void) | undefined) => () => {
    if (!life.isOver) callback?.();
  };
  return {
    localAddress: connection.localAddress,
    localPort: connection.localPort,
    remoteAddress: connection.remoteAddress,
    remotePort: connection.remotePort,
    get pendingBytes() {
      return connection.pendingBytes;
    },
    start: (handlers) =>
      connection.start({
        data: (chunk) => {
          if (!life.isOver) handlers.data(chunk);
        },
        borrows: handlers.borrows === true,
        drain: ifAlive(handlers.drain),
        end: ifAlive(handlers.end),
        close: (error) => {
          forget();
          if (!life.isOver) handlers.close(error);
        },
      }),
    write: (buffers, written) => !life.isOver && connection.write(buffers, written),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    end: () => connection.end(),
    destroy: (error) => connection.destroy(error),
  };
};

const mortalDisk = (disk: Disk, life: Life): Disk => {
  const guard = <T>(start: () => Promise<T>): Promise<T> => life.operate(start);
  return {
    open: (path, mode) => guard(async () => mortalFile(await disk.open(path, mode), life)),
    openSync: (path, mode) =>
      mortalFile(life.isOver ? lostFile(path) : disk.openSync(path, mode), life),
    readFile: (path) => guard(() => disk.readFile(path)),
    writeFile: (path, data) => guard(() => disk.writeFile(path, data)),
    info: (path) => guard(() => disk.info(path)),
    list: (path) => guard(() => disk.list(path)),
    makeDirectory: (path) => guard(() => disk.makeDirectory(path)),
    rename: (from, to) => guard(() => disk.rename(from, to)),
    move: (from, to) => guard(() => disk.move(from, to)),
    remove: (path) => guard(() => disk.remove(path)),
    removeTree: (path) => guard(() => disk.removeTree(path)),
    syncDirectory: (path) => guard(() => disk.syncDirectory(path)),
    setModified: (path, modifiedMs) => guard(() => disk.setModified(path, modifiedMs)),
    usage: (path) => guard(() => disk.usage(path)),
    lock: (path) =>
      guard(async () => {
        await releasing.get(path);
        const lock = await disk.lock(path);
        return lock === null ? null : mortalLock(lock, path, life);
      }),
  };
};

/** Locks of the dead, until nothing of theirs is written any more: whoever lives there next waits so long. */
const releasing = new Map<string, Promise<void>>();

const mortalLock = (lock: DiskLock, path: string, life: Life): DiskLock => {
  const release = async (): Promise<void> => {
    await life.stillness();
    await lock.release();
    releasing.delete(path);
  };
  const forget = life.atEnd(() => void releasing.set(path, release()));
  return {
    release: async () => {
      forget();
      await lock.release();
    },
  };
};

/** Writes of the dead are dropped: the process that would have made them has ended. */
const mortalFile = (file: DiskFile, life: Life): DiskFile => {
  // Not before its operations have ended: another file may get the same number.
  const forget = life.atEnd(() => void life.stillness().then(() => file.close()));
  const guard = <T>(start: () => Promise<T>): Promise<T> => life.operate(start);
  return {
    path: file.path,
    write: (buffers, position) => guard(() => file.write(buffers, position)),
    writeSync: (buffers, position) => {
      if (!life.isOver) file.writeSync(buffers, position);
    },
    read: (target, position) => guard(() => file.read(target, position)),
    readSync: (target, position) => (life.isOver ? 0 : file.readSync(target, position)),
    readCached: (target, position) =>
      life.isOver ? 0 : (file.readCached?.(target, position) ?? 0),
    size: () => (life.isOver ? 0 : file.size()),
    truncate: (size) => guard(() => file.truncate(size)),
    truncateSync: (size) => {
      if (!life.isOver) file.truncateSync(size);
    },
    sync: () => guard(() => file.sync()),
    close: async () => {
      forget();
      if (!life.isOver) await file.close();
    },
  };
};

/** What the dead open at once: nothing. */
const lostFile = (path: string): DiskFile => ({
  path,
  write: never,
  writeSync: () => {},
  read: never,
  readSync: () => 0,
  size: () => 0,
  truncate: never,
  truncateSync: () => {},
  sync: never,
  close: async () => {},
});
