/**
 * Cuts a byte stream into lines as java.io.BufferedReader does: an end is \n, \r or \r\n; a last
 * line may have none.
 */
const NEWLINE = 10;
const RETURN = 13;

export class LineSplitter {
  #rest: Buffer | null = null;
  /** The last line ended with \r; a \n that follows belongs to it. */
  #skipsNewline = false;

  /** The lines that `chunk` completes, without their ends; views of it. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    if (this.#skipsNewline && chunk.length > 0) {
      if (chunk[0] === NEWLINE) start = 1;
      this.#skipsNewline = false;
    }
    const hasReturn = chunk.includes(RETURN);
    while (start < chunk.length) {
      const end = hasReturn ? nextEnd(chunk, start) : chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      lines.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
      if (chunk[end] !== RETURN) continue;
      if (start === chunk.length) this.#skipsNewline = true;
      else if (chunk[start] === NEWLINE) start++;
    }
    if (start < chunk.length) this.#rest = this.#complete(chunk.subarray(start));
    return lines;
  }

  /** The last line, when it had no end. */
  finish(): Buffer | null {
    const rest = this.#rest;
    this.#rest = null;
    return rest;
  }

  #complete(bytes: Buffer): Buffer {
    const whole = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = null;
    return whole;
  }
}

const nextEnd = (chunk: Buffer, start: number): number => {
  for (let index = start; index < chunk.length; index++) {
    const byte = chunk[index];
    if (byte === NEWLINE || byte === RETURN) return index;
  }
  return -1;
};
