/**
 * The option table as Kafka's tools print it (jopt-simple's BuiltinHelpFormatter): two columns
 * within 80 characters, sorted by name, wrapped where Java's line BreakIterator allows it, every
 * cell padded.
 */
import type { Option, OptionTable } from './table.ts';

const ROW_WIDTH = 80;
const SEPARATOR = '  ';
const INDENT = '  ';

type Row = readonly [left: string, right: string];

/** The help text, its last line ended. */
export const helpText = (table: OptionTable): string => {
  const rows = table
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((option): Row => [optionCell(option), descriptionCell(option)]);
  const all: Row[] = [['Option', 'Description'], ['------', '-----------'], ...rows];
  const fitted = all.flatMap((row) => fittedRow(row, columnWidths(all)));
  // A column may have become narrower than what its cells were wrapped at.
  const [leftWidth, rightWidth] = columnWidths(fitted);
  return fitted
    .map(([left, right]) => `${left.padEnd(leftWidth)}${SEPARATOR}${right.padEnd(rightWidth)}\n`)
    .join('');
};

const optionCell = ({ name, argument, type = 'String', valueName }: Option): string => {
  if (argument === undefined) return `--${name}`;
  const value = valueName === undefined ? type : `${type}: ${valueName}`;
  return argument === 'required' ? `--${name} <${value}>` : `--${name} [${value}]`;
};

const descriptionCell = ({ description = '', defaultText }: Option): string =>
  defaultText === undefined ? description : `${description} (default: ${defaultText})`.trim();

const columnWidths = (rows: readonly Row[]): [number, number] => {
  const room = ROW_WIDTH - SEPARATOR.length;
  const left = Math.min(Math.floor(room / 2), Math.max(...rows.map(([cell]) => cell.length)));
  return [left, Math.min(room - left, Math.max(...rows.map(([, cell]) => cell.length)))];
};

const fittedRow = ([left, right]: Row, [leftWidth, rightWidth]: [number, number]): Row[] => {
  const lefts = wrapped(left, leftWidth);
  const rights = wrapped(right, rightWidth);
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, index) => [
    lefts[index] ?? '',
    rights[index] ?? '',
  ]);
};

/** A cell's lines; continued ones are indented. */
export const wrapped = (text: string, width: number): string[] =>
  text.split('\n').flatMap((line) => wrappedLine(line, width));

const wrappedLine = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of words(text)) {
    if (line.length + word.length > width) {
      lines.push(line.trimEnd());
      line = INDENT + word;
    } else {
      line += word;
    }
  }
  if (line.length > 0) lines.push(line);
  return lines;
};

/** The pieces between which Java would break a line, spaces at their ends. */
const words = (text: string): string[] => {
  const pieces: string[] = [];
  let start = 0;
  for (let index = 1; index <= text.length; index++) {
    if (index < text.length && !mayBreak(text, index)) continue;
    pieces.push(text.slice(start, index));
    start = index;
  }
  return pieces;
};

const CLOSING = /[.,:;!?)\]}%]/;
const OPENING = /[([{]/;

/**
 * Whether a line may end before `index`: after spaces, hyphens and punctuation, and before an
 * opening bracket.
 */
const mayBreak = (text: string, index: number): boolean => {
  const before = text[index - 1] as string;
  const after = text[index] as string;
  if (after === ' ') return false;
  if (before === ' ' || before === '\t') return true;
  if (before === '-') return /[A-Za-z]/.test(after);
  if (CLOSING.test(before)) return /[A-Za-z]/.test(after);
  return OPENING.test(after) && /[A-Za-z]/.test(before);
};
