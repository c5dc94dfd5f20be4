/**
 * The HTTP endpoint of the admin commands (ZooKeeper's AdminServer): GET /commands lists them, /commands/<name> answers
 * JSON. One request for each connection, its head bounded, everything else refused; it is no web server.
 */
import type { Connection, ServerSocket } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import { adminCommands, runAdminCommand } from './admin-commands.ts';
import { jsonText } from './admin-json.ts';
import type { AdminOptions } from './options.ts';
import type { ServerView } from './view.ts';

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

const HEAD_BYTES_MAX = 8 * 1024;
const CONNECTIONS_MAX = 100;
const IDLE_MS_MAX = 10_000;

interface Response {
  readonly status: string;
  readonly type: string;
  readonly body: string;
}

/** Listens; throws Node's error when it cannot. */
export const startAdminServer = async (
  system: System,
  options: AdminOptions,
  lookAt: () => Promise<ServerView>,
): Promise<AdminServer> => {
  const connections = new Set<Connection>();
  const path = options.path ?? '/commands';
  const accept = (connection: Connection): void => {
    if (connections.size >= CONNECTIONS_MAX) return connection.destroy();
    connections.add(connection);
    serve(system, connection, {
      answer: async (target) => answer(target, path, lookAt),
      gone: () => connections.delete(connection),
    });
  };
  const listener: ServerSocket = await system.net.listen(options, accept);
  return {
    port: listener.port,
    close: async () => {
      for (const connection of connections) connection.destroy();
      await listener.close();
    },
  };
};

const serve = (
  system: System,
  connection: Connection,
  hooks: { readonly answer: (target: string) => Promise<Response>; readonly gone: () => void },
): void => {
  let head = '';
  let isAnswered = false;
  const timer = system.clock.setTimer(IDLE_MS_MAX, () => connection.destroy());
  const send = ({ status, type, body }: Response): void => {
    const bytes = Buffer.from(body);
    const headers = [
      `HTTP/1.1 ${status}`,
      `Content-Type: ${type}`,
      `Content-Length: ${bytes.length}`,
      'Connection: close',
    ];
    connection.write([Buffer.from(`${headers.join('\r\n')}\r\n\r\n`), bytes]);
    connection.end();
  };
  connection.start({
    data: (chunk) => {
      if (isAnswered) return;
      head += chunk.toString('latin1');
      const isWhole = head.includes('\r\n\r\n');
      if (!isWhole && head.length <= HEAD_BYTES_MAX) return;
      isAnswered = true;
      const target = isWhole ? targetOf(head) : BAD_REQUEST;
      if (typeof target !== 'string') return send(target);
      void hooks.answer(target).then(send, () => connection.destroy());
    },
    end: () => {
      if (!isAnswered) connection.destroy();
    },
    close: () => {
      timer.cancel();
      hooks.gone();
    },
  });
};

const plain = (status: string): Response => ({ status, type: 'text/plain', body: `${status}\n` });
const BAD_REQUEST = plain('400 Bad Request');

/** What is asked for, or how the request is refused. */
const targetOf = (head: string): string | Response => {
  const match = /^([A-Z]+) (\/[!-~]*) HTTP\/1\.[01]\r\n/.exec(head);
  if (match === null) return BAD_REQUEST;
  return match[1] === 'GET' ? (match[2] as string) : plain('405 Method Not Allowed');
};

const answer = async (
  target: string,
  path: string,
  lookAt: () => Promise<ServerView>,
): Promise<Response> => {
  const [resource = '', query = ''] = target.split('?', 2);
  if (resource === path || resource === `${path}/`) return list(path);
  if (!resource.startsWith(`${path}/`)) return plain('404 Not Found');
  const name = resource.slice(path.length + 1);
  const fields = runAdminCommand(name, await lookAt(), new Map(new URLSearchParams(query)));
  return { status: '200 OK', type: 'application/json', body: jsonText(fields) };
};

const list = (path: string): Response => ({
  status: '200 OK',
  type: 'text/html',
  body: adminCommands
    .map(({ names: [name] }) => `<a href="${path}/${name}">${name}</a>\n<br/>\n`)
    .join(''),
});
