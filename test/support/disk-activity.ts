/** A disk whose operations are counted while they are under way, so that a test can wait for their ends. */

export class DiskActivity {
  count = 0;

  /** The same object, whose promises count while they are pending, and those of files it opens. */
  counted<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => this.#result(value.apply(target, args));
      },
    });
  }

  #result(result: unknown): unknown {
    if (!(result instanceof Promise)) return isFile(result) ? this.counted(result) : result;
    this.count += 1;
    return result
      .then((value: unknown) => (isFile(value) ? this.counted(value) : value))
      .finally(() => {
        this.count -= 1;
      });
  }
}

const isFile = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && 'writeSync' in value;
