/** Ports for servers of their own, in tests that start processes. */
import { createServer } from 'node:net';

/**
 * Consecutive ports that nothing listens on now, below those that systems give to outgoing connections: a client's own
 * port could be one that a server wants a moment later, or wants back after a restart.
 */
export const freePorts = async (count: number): Promise<number[]> => {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const answers = await Promise.all(ports.map(isFree));
    if (!answers.includes(false)) return ports;
  }
};

/** True when this process could listen on the port. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
