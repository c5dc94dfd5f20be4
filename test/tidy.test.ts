/**
 * The conventions of the code base as a test: layers, cycles, sizes, banned calls, dead files, READMEs. What a formatter, a
 * linter or the compiler checks is left to them. A failure lists every place that breaks the rule.
 */
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import {
  filesBelow,
  importCycles,
  linesMatching,
  reachableFrom,
  readSource,
  type Source,
} from './tidy/sources.ts';

/** Folder -> layer. A file imports its own folder and lower layers; folders of one layer do not know each other. */
const layers: Readonly<Record<string, number>> = {
  system: 0,
  protocol: 1,
  network: 2,
  zookeeper: 2,
  log: 2,
  client: 3,
  controller: 3,
  broker: 3,
  tools: 4,
  test: 5,
  bench: 5,
};

/** Tables, which may be longer than other files. */
const longTables = new Set(['broker/config/broker-settings.ts', 'broker/error-responses.ts']);

const FILE_LINES_MAX = 400;
const CODE_COLUMNS_MAX = 100;
const COMMENT_COLUMNS_MAX = 128;
const README_LINES_MAX = 30;

const sources = Object.keys(layers)
  .flatMap(filesBelow)
  .filter((path) => path.endsWith('.ts'))
  .map(readSource);
const products = sources.filter(({ folder }) => (layers[folder] ?? 5) < 5);
const tests = sources.filter(({ path }) => path.startsWith('test/'));

/** A file of tests; its name says what it is for. */
const isSuite = (path: string): boolean => /\.(test|chaos)\.ts$/.test(path);

const places = (source: Source, text: string, pattern: RegExp): string[] =>
  linesMatching(text, pattern).map((line) => `${source.path}:${line}`);

describe('layers', () => {
  test('a file imports only its own folder and the layers below', () => {
    const wrong = sources.flatMap(({ path, folder, imports }) =>
      imports.flatMap(({ target }) => {
        if (target === null) return [];
        const other = target.split('/')[0] ?? '';
        const isAllowed = other === folder || (layers[other] ?? 9) < (layers[folder] ?? 0);
        return isAllowed ? [] : [`${path} imports ${target}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('every relative import names a file with its extension', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target !== null && !existsSync(target))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('there are no import cycles', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  test('the process belongs to executables', () => {
    const wrong = products
      .filter(({ folder }) => folder !== 'tools' && folder !== 'system')
      .filter(({ imports }) => imports.some(({ target }) => target === 'system/process.ts'))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });
});

describe('the outside world is reached through system/ alone', () => {
  const outside = products.filter(({ folder }) => folder !== 'system');
  /** The package opens its own sockets: its adapter is where the simulation is cut off from it. */
  const exceptions = new Set(['zookeeper/node-transport.ts']);
  const checked = outside.filter(({ path }) => !exceptions.has(path));

  /** Modules that only compute. */
  const pureModules = new Set(
    ['assert', 'assert/strict', 'buffer', 'crypto', 'path', 'path/posix', 'util', 'zlib'].map(
      (name) => `node:${name}`,
    ),
  );

  test("only Node's computing modules are imported", () => {
    const wrong = checked.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, isTypeOnly }) => specifier.startsWith('node:') && !isTypeOnly)
        .filter(({ specifier }) => !pureModules.has(specifier))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
    expect(wrong.filter((line) => !line.includes('.d.ts '))).toEqual([]);
  });

  test.each([
    ['the clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|(?<![.\w])performance\./g],
    ['timers', /(?<![.\w])(?:setTimeout|setInterval|setImmediate)\b/g],
    ['randomness', /\bMath\.random\b|\b(?:randomBytes|randomUUID|randomInt|getRandomValues)\b/g],
    ['the process', /(?<![.\w])process\.(?!ts\b)|(?<![.\w])(?:console|globalThis)\./g],
    ['the network', /(?<![.\w])(?:fetch|WebSocket)\((?=['"`])/g],
  ])('%s is not touched', (_name, pattern) => {
    expect(checked.flatMap((source) => places(source, source.code, pattern))).toEqual([]);
  });
});

describe('form', () => {
  test('a file has at most 400 lines, unless it is a table', () => {
    const wrong = sources
      .filter(({ path, lines }) => lines.length - 1 > FILE_LINES_MAX && !longTables.has(path))
      .map(({ path, lines }) => `${path} has ${lines.length - 1}`);
    expect(wrong).toEqual([]);
  });

  test('code has at most 100 columns, comments a few more; a sentence in a string stays whole', () => {
    const wrong = sources.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => {
        const isComment = /^\s*(\/\*|\*|\/\/)/.test(line);
        if (!isComment && /['"`].*['"`]|[`]/.test(line)) return [];
        const max = isComment ? COMMENT_COLUMNS_MAX : CODE_COLUMNS_MAX;
        return line.length > max ? [`${path}:${index + 1} has ${line.length}`] : [];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('a file opens with a comment that says what it is for', () => {
    const wrong = sources
      .filter(({ path }) => !isSuite(path))
      .filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  test('there are no loose ends', () => {
    // Put together, so that this file has none itself.
    const words = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|');
    const looseEnds = new RegExp(`\\b(?:${words})\\b(?! \\(?#\\d)|@ts-(?:ig)nore`, 'g');
    expect(sources.flatMap((source) => places(source, source.text, looseEnds))).toEqual([]);
  });

  test('exports have names', () => {
    const pattern = /^export default\b/gm;
    expect(products.flatMap((source) => places(source, source.code, pattern))).toEqual([]);
  });
});

describe('tests', () => {
  test('none is left out or run alone', () => {
    // A choice (`? test : test.skip`) is allowed: there are tests that only some systems can pass.
    const pattern = /(?<!: )\b(?:describe|test|it)\.(?:only|skip|todo)\b|\b[xf](?:it|describe)\(/g;
    const wrong = tests
      .filter(({ path }) => !path.startsWith('test/compat/'))
      .flatMap((source) => places(source, source.code, pattern));
    expect(wrong).toEqual([]);
  });

  test('none sleeps, unless it polls real processes', () => {
    const wrong = tests
      .filter(({ path }) => !/^test\/(compat|integration|chaos)\//.test(path))
      .flatMap((source) => places(source, source.code, /(?<![.\w])set(?:Timeout|Interval)\(/g));
    expect(wrong).toEqual([]);
  });
});

test('no file is dead: each is reached from an executable, the package or a test', () => {
  const bins = filesBelow('bin')
    .filter((path) => !path.endsWith('.md'))
    .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/dist\/([\w/.-]+)\.js/g)])
    .map(([, module]) => `${module}.ts`);
  const entries = [...bins, 'tools/cluster.ts', 'client/index.ts', 'protocol/all-messages.ts'];
  const reached = reachableFrom(sources, entries);
  const setUps = ['jest.config.js', 'jest.compat.config.js']
    .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/<rootDir>\/([\w/.-]+\.ts)/g)])
    .map(([, path]) => path ?? '');
  const programs = [
    'bench/cleaning.ts',
    'bench/run.ts',
    'bench/storage.ts',
    'bench/storage-open.ts',
    'bench/turns.ts',
    'bench/zookeeper-clients.ts',
    'bench/zookeeper-servers.ts',
    'test/simulation/run.ts',
  ];
  const suites = tests.map(({ path }) => path).filter(isSuite);
  const fromTests = reachableFrom(sources, [...suites, ...programs, ...setUps]);
  const dead = sources
    .filter(({ path }) => !path.endsWith('.d.ts') && !isSuite(path))
    .filter(
      ({ path, folder }) =>
        !(folder === 'test' || folder === 'bench' ? fromTests : reached).has(path),
    )
    .map(({ path }) => path);
  expect(dead).toEqual([]);
});

describe('READMEs', () => {
  const folders = [...Object.keys(layers), 'bin', 'docker'];
  const namedIn = (readme: string): string[] =>
    [...readFileSync(readme, 'utf8').matchAll(/`([\w./<>*-]+)`/g)].map(([, name]) => name ?? '');
  const subfolders = [...new Set(sources.map(({ path }) => posix.dirname(path)))];
  const withReadme = [...new Set([...folders, ...subfolders])].filter((folder) =>
    existsSync(posix.join(folder, 'README.md')),
  );

  test('every folder has one, of at most 30 lines', () => {
    expect(folders.filter((folder) => !withReadme.includes(folder))).toEqual([]);
    const tooLong = withReadme.filter((folder) => {
      const lines = readFileSync(posix.join(folder, 'README.md'), 'utf8').trimEnd().split('\n');
      return lines.length > README_LINES_MAX;
    });
    expect(tooLong).toEqual([]);
  });

  test('each lists every file and folder beside it', () => {
    const missing = withReadme.flatMap((folder) => {
      const names = namedIn(posix.join(folder, 'README.md'));
      const isNamed = (path: string): boolean => {
        const [first = '', ...rest] = posix.relative(folder, path).split('/');
        if (rest.length === 0) return names.includes(first);
        return names.some((name) => name.startsWith(`${first}/`));
      };
      const files = filesBelow(folder).filter((path) => !path.endsWith('.md') && !isSuite(path));
      return files.filter((path) => !isNamed(path)).map((path) => `${folder}/README.md: ${path}`);
    });
    expect(missing).toEqual([]);
  });

  test('none names a file that is not there', () => {
    const wrong = withReadme.flatMap((folder) =>
      namedIn(posix.join(folder, 'README.md'))
        .filter((name) => /^[\w-][\w./-]*(\.ts|\/)$/.test(name))
        .filter((name) => !existsSync(posix.join(folder, name)) && !existsSync(name))
        .map((name) => `${folder}/README.md: ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});

test('nothing of the machine it was written on has come in', () => {
  const roots = ['work', 'root', 'home', 'Users'].join('|');
  const machinePath = new RegExp(`(?<![\\w.*])/(?:${roots})/\\w|/tmp/bash[_]`);
  const documents = ['README.md', 'package.json', 'jest.config.js', 'biome.json'];
  const files = [...Object.keys(layers), 'bin', 'docker', 'docs', '.ci'].flatMap(filesBelow);
  const wrong = [...documents, ...files].filter((path) =>
    machinePath.test(readFileSync(path, 'utf8')),
  );
  expect(wrong).toEqual([]);
  expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved": "https?:/);
});
