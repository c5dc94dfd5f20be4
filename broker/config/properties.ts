/**
 * Java's .properties format, in which a broker is configured: comments, continued lines, escapes,
 * and `=`, `:` or space between key and value (java.util.Properties.load). Of a key given twice the
 * last value counts.
 */

const SPACE = /^[ \t\f]+/;
const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** The entries of a .properties text in their order. */
export const parseProperties = (text: string): Map<string, string> => {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const [key, value] = splitLine(line);
    properties.set(unescaped(key), unescaped(value));
  }
  return properties;
};

/** Lines without their leading space, comments and blanks gone, continued ones joined. */
const logicalLines = (text: string): string[] => {
  const lines: string[] = [];
  let open: string | null = null;
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line: string = raw.replace(SPACE, '');
    if (open === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const whole: string = (open ?? '') + line;
    // An even number of backslashes at the end are escaped ones.
    const isContinued = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
    open = isContinued ? whole.slice(0, -1) : null;
    if (open === null) lines.push(whole);
  }
  if (open !== null) lines.push(open);
  return lines;
};

/** Key and value, still escaped: cut at the first unescaped `=`, `:` or space. */
const splitLine = (line: string): [string, string] => {
  let end = 0;
  while (end < line.length && !'=: \t\f'.includes(line[end] ?? ''))
    end += line[end] === '\\' ? 2 : 1;
  const rest = line.slice(end).replace(SPACE, '');
  const value = rest.startsWith('=') || rest.startsWith(':') ? rest.slice(1) : rest;
  return [line.slice(0, end), value.replace(SPACE, '')];
};

const unescaped = (text: string): string =>
  text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S])/g, (_, code: string) =>
    code.length > 1
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : (escapes[code] ?? code),
  );
