/**
 * What measurements of clients and servers share: servers as processes, and how often something can be done.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, connect as dial } from 'node:net';

/** Runs `act` over and over, `inFlight` at a time; returns completions per second and CPU microseconds for each. */
export const rate = async (
  seconds: number,
  inFlight: number,
  act: () => Promise<unknown>,
): Promise<{ perSecond: number; cpuMicros: number }> => {
  let count = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + seconds * 1000;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await act();
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: count / ((performance.now() - start) / 1000),
    cpuMicros: (user + system) / count,
  };
};

/** `command` with its port and its folder. */
export const commandWith = (command: readonly string[], port: number, folder: string): string[] =>
  command.map((word) => word.replaceAll('PORT', String(port)).replaceAll('DIR', folder));

/** The upper one of an even number. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });

/** Starts a server of ours or somebody else's; resolves when it takes connections on `port`. */
export const startServer = async (
  command: readonly string[],
  port: number,
): Promise<ChildProcess> => {
  const [program = '', ...args] = command;
  const server = spawn(program, args, { stdio: 'ignore' });
  while (!(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 2));
  return server;
};
