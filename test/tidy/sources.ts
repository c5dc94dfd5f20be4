/**
 * The source tree as the tidy test sees it: files with their text, their imports, and their code without comments and
 * strings. Works on text alone: it does not resolve types, and a string that holds quotes may hide a word from it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  /** Path of the file within the tree; null for packages and Node's own modules. */
  readonly target: string | null;
}

export interface Source {
  readonly path: string;
  /** The first folder of the path. */
  readonly folder: string;
  readonly lines: readonly string[];
  readonly text: string;
  /** The text with comments and strings blanked out, line for line. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const IGNORED = new Set(['node_modules', 'dist', 'coverage', 'barnabas-data', 'fixtures', '.git']);

/** Every file below `folder`, as paths from the root of the project. */
export const filesBelow = (folder: string): string[] => {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.has(entry.name)) return [];
    const path = posix.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
};

export const readSource = (path: string): Source => {
  const text = readFileSync(path, 'utf8');
  return {
    path,
    folder: path.split('/')[0] ?? '',
    text,
    lines: text.split('\n'),
    code: withoutCommentsAndStrings(text),
    imports: importsOf(path, withoutComments(text)),
  };
};

const COMMENT = String.raw`\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*`;
const STRING = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\`(?:\\.|[^\`\\])*\``;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

const withoutComments = (text: string): string =>
  text.replace(new RegExp(`${COMMENT}|${STRING}`, 'g'), (match) =>
    match.startsWith('/') ? blank(match) : match,
  );

const withoutCommentsAndStrings = (text: string): string =>
  text.replace(new RegExp(`${COMMENT}|${STRING}`, 'g'), blank);

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^;'"`]*?\sfrom\s+)?'([^']+)'/g;
const DYNAMIC = /\b(?:import|import\.meta\.resolve|require)\(\s*'([^']+)'/g;

const importsOf = (path: string, text: string): Import[] => [
  ...[...text.matchAll(IMPORT)].map(([, type, specifier]) =>
    importOf(path, specifier ?? '', type !== undefined),
  ),
  ...[...text.matchAll(DYNAMIC)].map(([, specifier]) => importOf(path, specifier ?? '', false)),
];

const importOf = (path: string, specifier: string, isTypeOnly: boolean): Import => ({
  specifier,
  isTypeOnly,
  target: specifier.startsWith('.')
    ? posix.join(posix.dirname(path), specifier.replace(/\.js$/, '.ts'))
    : null,
});

/** Cycles of imports, each as the paths around it, found once from any of its members. */
export const importCycles = (sources: readonly Source[]): string[] => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const { target } of byPath.get(path)?.imports ?? [])
      if (target !== null && byPath.has(target)) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return cycles;
};

/** What can be reached through imports from `entries`, themselves included. */
export const reachableFrom = (
  sources: readonly Source[],
  entries: readonly string[],
): Set<string> => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { target } of byPath.get(path)?.imports ?? [])
      if (target !== null) open.push(target);
  }
  return reached;
};

/** The 1-based lines of `text` on which `pattern` (with flag g) matches. */
export const linesMatching = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map(({ index }) => text.slice(0, index).split('\n').length);
