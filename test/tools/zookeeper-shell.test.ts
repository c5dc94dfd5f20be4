/**
 * zookeeper-shell prints and exits as the one of Kafka 3.9.1 did when it was recorded, here against the embedded server;
 * and what a transcript cannot show: a terminal, and connections that are lost.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Completer, LineEditor } from '../../system/process.ts';
import { realSystem } from '../../system/system.ts';
import { zookeeperShell } from '../../tools/zookeeper-shell/command.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../zookeeper/server/server.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { fixture, startTlsFront } from '../zookeeper/tls-front.ts';
import {
  type Result,
  readTranscript,
  recordingTerminal,
  runStep,
  type Step,
} from './transcript.ts';

const system = realSystem();
const fixtures = `${__dirname}/../fixtures/cli`;
const { steps } = readTranscript(`${fixtures}/zookeeper-shell.json`);

let directory: string;
let server: ZooKeeperServer;

const startServer = (port = 0): Promise<ZooKeeperServer> =>
  startZooKeeperServer(system, { host: '127.0.0.1', port, dataDir: directory, tickTimeMs: 100 });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'zookeeper-shell-'));
  server = await startServer();
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const address = (): string => `127.0.0.1:${server.port}`;

/** How the shell tells an event. */
const event = (state: string, type = 'None', path = 'null'): string =>
  `\nWATCHER::\n\nWatchedEvent state:${state} type:${type} path:${path}\n`;

/** Without what differs from run to run. */
const comparable = ({ stdout, stderr, exit }: Result): Result => {
  const common = (text: string): string =>
    text
      .replace(/(localhost\/)?127\.0\.0\.1:\d+/g, 'ADDRESS')
      .replace(/^\[[\d :,-]{23}\]/gm, '[time]')
      .replace(/^\tat .*\n/gm, '')
      .replace(/((?:cZxid|mZxid|pZxid|ephemeralOwner) = 0x)[\da-f]+/g, '$1…')
      .replace(/(ctime|mtime) = .*/g, '$1 = …')
      .replace(/USAGE: \S+/, 'USAGE: …');
  return { stdout: common(stdout), stderr: common(stderr), exit };
};

/** What is recorded for a command, as far as `pattern` catches it. */
const shown = (words: string, pattern: RegExp): string => {
  const wanted = ['{zookeeper}', ...words.split(' ')];
  const step = steps.find(({ args }) => args.join(' ') === wanted.join(' '));
  return pattern.exec(step?.stdout ?? '')?.[1] ?? '';
};

/** The nodes of the cluster that was recorded, as far as they are shown. */
const buildTree = async (): Promise<void> => {
  const client = await connectWireClient(system, {
    connectString: address(),
    sessionTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
  });
  const registration = shown('get /brokers/ids/1', /^(\{.*\})$/m);
  const data: Readonly<Record<string, string>> = {
    controller: shown('get -s /controller', /^(\{.*\})$/m),
    controller_epoch: '1',
  };
  const nodeData = (name: string): Buffer | null =>
    data[name] === undefined ? null : Buffer.from(data[name]);
  try {
    for (const name of shown('ls /', /\[(.*)\]/).split(', ')) {
      if (name !== 'zookeeper') await client.create(`/${name}`, nodeData(name));
    }
    for (const name of ['ids', 'seqid', 'topics']) await client.create(`/brokers/${name}`, null);
    for (const id of [1, 2, 3])
      await client.create(`/brokers/ids/${id}`, Buffer.from(registration));
  } finally {
    await client.close();
  }
};

const expectRecorded = async (step: Step): Promise<void> => {
  const places = { zookeeper: address(), unreachable: '127.0.0.1:9' };
  // Lines name the server as well.
  const stdin = step.stdin?.replaceAll('{zookeeper}', address()) ?? null;
  const ours = comparable(await runStep(zookeeperShell, { ...step, stdin }, places));
  expect({ args: step.args, ...ours }).toEqual({ args: step.args, ...comparable(step) });
};

test('every recorded command has the same outcome', async () => {
  await buildTree();
  expect(steps.length).toBeGreaterThan(60);
  for (const step of steps) await expectRecorded(step);
});

test('two hundred lines, well and badly written, have the same outcome', async () => {
  const [step] = readTranscript(`${fixtures}/zookeeper-shell-session.json`).steps;
  await expectRecorded(step as Step);
});

test('the last line decides the exit code', async () => {
  const exitOf = async (lines: string): Promise<number> =>
    (await runStep(zookeeperShell, { args: [address()], stdin: lines })).exit;
  expect(await exitOf('ls /nope\nls /\n')).toBe(0);
  expect(await exitOf('ls /nope\n')).toBe(1);
  expect(await exitOf('ls /nope\nquit\nls /\n')).toBe(1);
  expect(await exitOf('ls /\nhelp')).toBe(127);
});

test.each([
  ['a version that is no number', ['set', '-v', 'x', '/', 'data'], 'NumberFormatException'],
  ['a timeout that is no number', ['-timeout', 'soon', 'ls', '/'], 'NumberFormatException'],
  ['-zk-tls-config-file without a file', ['-zk-tls-config-file'], 'IllegalArgumentException'],
])('%s ends the shell with code 1', async (_, words, failure) => {
  const { stderr, exit } = await runStep(zookeeperShell, {
    args: [address(), ...words],
    stdin: null,
  });
  expect(stderr).toMatch(`Exception in thread "main" java.lang.${failure}: `);
  expect(exit).toBe(1);
});

test.each([':', '', '127.0.0.1:99999999', '127.0.0.1:1/a//b'])(
  'the address "%s" is refused',
  async (text) => {
    const { stderr, exit } = await runStep(zookeeperShell, {
      args: [text, 'ls', '/'],
      stdin: null,
    });
    expect(stderr).toMatch('Exception in thread "main" java.lang.IllegalArgumentException: ');
    expect(exit).toBe(1);
  },
);

test('with -zk-tls-config-file the server is spoken to with TLS', async () => {
  const front = await startTlsFront(server.port);
  const settings = [
    'zookeeper.ssl.client.enable=true',
    'zookeeper.ssl.truststore.location=trust.pem',
    'zookeeper.ssl.endpoint.identification.algorithm=HTTPS',
  ];
  const files = {
    'tls.properties': settings.join('\n'),
    'trust.pem': readFileSync(fixture('authority.pem'), 'utf8'),
  };
  const args = [`localhost:${front.port}`, '-zk-tls-config-file', 'tls.properties', 'ls', '/'];
  const { stdout, stderr } = await runStep(zookeeperShell, { args, stdin: null, files });
  await front.close();
  expect(stderr).toBe('');
  expect(stdout).toMatch('[zookeeper]\n');
});

test('settings for TLS that cannot be used are answered with a sentence', async () => {
  const settings = [
    'zookeeper.ssl.client.enable=true',
    'zookeeper.ssl.truststore.location=/none/trust.pem',
    'zookeeper.ssl.truststore.type=PEM',
  ];
  const run = runStep(zookeeperShell, {
    args: [address(), '-zk-tls-config-file', 'tls.properties', 'ls', '/'],
    stdin: null,
    files: { 'tls.properties': settings.join('\n') },
  });
  await expect(run).rejects.toThrow('There is no store /none/trust.pem.');
});

/** A shell that is given its lines one by one; `shows` resolves once it has printed a text. */
const openShell = (...args: string[]) => {
  const { terminal, output, errors } = recordingTerminal('');
  const typed: (string | null)[] = [];
  let given: () => void = () => {};
  let wake: () => void = () => {};
  const printed = (): string => Buffer.concat(output).toString() + errors.join('');
  const input = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      while (typed.length === 0) {
        await new Promise<void>((resolve) => {
          given = resolve;
        });
      }
      const line = typed.shift() ?? null;
      if (line === null) return;
      yield Buffer.from(`${line}\n`);
    }
  };
  const noting = async (write: () => Promise<boolean>): Promise<boolean> => {
    const isWritten = await write();
    wake();
    return isWritten;
  };
  const exit = zookeeperShell(
    system,
    {
      ...terminal,
      input,
      print: (data) => noting(() => terminal.print(data)),
      printError: (text) => noting(() => terminal.printError(text)),
    },
    [address(), ...args],
  );
  const shows = async (text: string): Promise<void> => {
    while (!printed().includes(text)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  /** Forgets what was printed before. */
  const type = (line: string | null): void => {
    output.length = 0;
    errors.length = 0;
    typed.push(line);
    given();
  };
  return { type, shows, exit };
};

test('a lost connection fails what waits, comes back, and still has its watches', async () => {
  const { type, shows, exit } = openShell();
  await shows('disabled');
  type('create /watched');
  await shows('Created /watched');
  type('get -w /watched');
  await shows('null\n');
  const { port } = server;
  server.kill();
  await shows(event('Disconnected'));
  type('get /watched');
  await shows('KeeperErrorCode = ConnectionLoss for /watched');
  await shows('WARN Session 0x');
  type('sync /watched');
  await shows('Sync has failed. rc=-4');
  server = await startServer(port);
  await shows(event('SyncConnected'));
  type('set /watched changed');
  await shows(event('SyncConnected', 'NodeDataChanged', '/watched'));
  type('quit');
  await shows(event('Closed'));
  expect(await exit).toBe(0);
});

test('a session that has expired is no connection any more', async () => {
  const { type, shows, exit } = openShell('-timeout', '200');
  await shows('disabled');
  type('ls /');
  await shows('[zookeeper]');
  const { port } = server;
  await server.close();
  await shows(event('Disconnected'));
  rmSync(join(directory, 'version-2'), { recursive: true });
  server = await startServer(port);
  await shows(event('Expired'));
  type('ls /');
  await shows('Not connected');
  type('connect');
  await shows(event('SyncConnected'));
  type('ls /');
  await shows('[zookeeper]');
  type(null);
  expect(await exit).toBe(0);
});

describe('at a terminal', () => {
  /** Runs the shell with an editor that is given `lines`; what it was asked and what was printed. */
  const talk = async (lines: readonly string[], look: (complete: Completer) => Promise<void>) => {
    const { terminal } = recordingTerminal('');
    const prompts: string[] = [];
    const printed: string[] = [];
    const open = (complete: Completer): LineEditor => ({
      ask: async (prompt) => {
        prompts.push(prompt());
        const line = lines[prompts.length - 1] ?? null;
        if (line === null) await look(complete);
        return line;
      },
      print: (text) => void printed.push(text),
      close: () => void printed.push('closed'),
    });
    const exit = await zookeeperShell(
      system,
      { ...terminal, isTerminal: true, isOutputTerminal: true },
      [address()],
      open,
    );
    return { prompts, printed: printed.join(''), exit };
  };

  test('there is a prompt, and a slip does not end the session', async () => {
    const { prompts, printed, exit } = await talk(
      ['ls /', 'set -v x / y', '', 'ls /'],
      async () => {},
    );
    expect(prompts.map((text) => text.replace(/127\S+?\(/, 'A('))).toEqual([
      '[zk: A(CONNECTING) 0] ',
      '[zk: A(CONNECTED) 1] ',
      '[zk: A(CONNECTED) 2] ',
      '[zk: A(CONNECTED) 2] ',
      '[zk: A(CONNECTED) 3] ',
    ]);
    const listing = '[zookeeper]\n';
    expect(printed).toBe(
      `${event('SyncConnected')}${listing}For input string: "x"\n${listing}closed`,
    );
    expect(exit).toBe(0);
  });

  test('commands and paths are completed', async () => {
    await talk(['create /apple', 'create /apple/core', 'create /ape'], async (complete) => {
      expect(await complete('get')).toEqual([
        ['get', 'getAcl', 'getAllChildrenNumber', 'getEphemerals'],
        'get',
      ]);
      expect(await complete('get -s /ap')).toEqual([['/ape', '/apple'], '/ap']);
      expect(await complete('get /apple/')).toEqual([['/apple/core'], '/apple/']);
      expect(await complete('get /none/')).toEqual([[], '/none/']);
      expect(await complete('get //')).toEqual([[], '//']);
      expect(await complete('get ap')).toEqual([[], 'ap']);
    });
  });
});
