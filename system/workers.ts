/**
 * Threads for work that would hold up the event loop: decompression of what may be large, for one. A task is a module that
 * exports `run`, a plain function from request to result. Threads are few, start when first needed and do not keep the process
 * alive. This file is also what a thread runs first.
 */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** What `run` of a task module returns. */
export interface TaskResult {
  readonly result: unknown;
  /** Memory that is handed over instead of copied. */
  readonly transfer: readonly ArrayBuffer[];
}

export interface WorkerPool {
  /**
   * Runs the task with `request`, which is cloned, but for `transfer`, which is handed over. Rejects with WorkerError when
   * the thread cannot do it.
   */
  run(request: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown>;
}

export interface Workers {
  /** The threads for the task module of this URL; null where it cannot run in a thread. */
  pool(moduleUrl: string): WorkerPool | null;
}

/** A thread died, could not start, or the task threw. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

const THREADS_MAX = 2;

/** One core is left to the event loop where there are several. */
const threadCount = (): number => Math.max(1, Math.min(THREADS_MAX, availableParallelism() - 1));

interface Job {
  readonly request: unknown;
  readonly transfer: readonly ArrayBuffer[];
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | null;
}

/** A pool of its own for `moduleUrl`; most callers want the one that `realWorkers` shares. */
export class ThreadPool implements WorkerPool {
  readonly #moduleUrl: string;
  readonly #entry: URL;
  readonly #threads = new Set<Thread>();
  /** No limit of its own: each task belongs to a request, and those are limited where they come in. */
  readonly #waiting: Job[] = [];

  /** `entry` is this very file, or its compiled form. */
  constructor(moduleUrl: string, entry = new URL(import.meta.url)) {
    this.#moduleUrl = moduleUrl;
    this.#entry = entry;
  }

  get threadCount(): number {
    return this.#threads.size;
  }

  run(request: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, transfer, resolve, reject });
      this.#next();
    });
  }

  /** Ends all threads; what they were doing is rejected. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** Gives the oldest task to an idle thread, or to a new one while there may be more. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const idle = [...this.#threads].find(({ job }) => job === null);
      if (idle === undefined && this.#threads.size >= threadCount()) return;
      const job = this.#waiting.shift() as Job;
      const thread = idle ?? this.#start();
      thread.job = job;
      thread.worker.ref();
      try {
        thread.worker.postMessage(job.request, job.transfer);
      } catch (cause) {
        thread.job = null;
        job.reject(new WorkerError('the task cannot be handed over', { cause }));
      }
    }
  }

  #start(): Thread {
    const worker = new Worker(this.#entry, { workerData: { [MARK]: this.#moduleUrl } });
    const thread: Thread = { worker, job: null };
    this.#threads.add(thread);
    worker.on('message', (answer: Answer) => {
      const { job } = thread;
      thread.job = null;
      if ('error' in answer) job?.reject(new WorkerError(answer.error));
      else job?.resolve(answer.result);
      this.#next();
      // An idle thread must not keep a process alive that has nothing else to do.
      if (thread.job === null) worker.unref();
    });
    const gone = (cause: unknown): void => {
      if (!this.#threads.delete(thread)) return;
      thread.job?.reject(new WorkerError('a worker thread has ended', { cause }));
      this.#next();
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    return thread;
  }
}

type Answer = { readonly result: unknown } | { readonly error: string };

const pools = new Map<string, WorkerPool>();

/** Node's own threads, shared by everything in this process. */
export const realWorkers: Workers = {
  pool(moduleUrl) {
    // Sources that nobody has compiled: threads know nothing of what compiles them on the way.
    if (moduleUrl.endsWith('.ts')) return null;
    let pool = pools.get(moduleUrl);
    if (pool === undefined) {
      pool = new ThreadPool(moduleUrl);
      pools.set(moduleUrl, pool);
    }
    return pool;
  },
};

/** Tells our threads from others that may load this file. */
const MARK = 'barnabas.task';

const serve = async (moduleUrl: string): Promise<void> => {
  const port = parentPort;
  if (port === null) return;
  const { run } = (await import(moduleUrl)) as { readonly run: (request: unknown) => TaskResult };
  port.on('message', (request: unknown) => {
    try {
      const { result, transfer } = run(request);
      port.postMessage({ result } satisfies Answer, transfer);
    } catch (error) {
      port.postMessage({ error: String(error) } satisfies Answer);
    }
  });
};

if (!isMainThread) {
  const moduleUrl = (workerData as { readonly [key: string]: unknown } | null)?.[MARK];
  if (typeof moduleUrl === 'string') void serve(moduleUrl);
}
