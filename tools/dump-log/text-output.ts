/**
 * Standard output of a dump: text gathered into large writes, so that a line costs no call. What was
 * gathered before a failure has to be written, too, even half a line; the owner does that.
 */
import type { Terminal } from '../cli.ts';

const GATHERED_MAX = 64 * 1024;

/** Nobody reads any more; there is no point in going on. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

export class TextOutput {
  readonly #terminal: Terminal;
  #parts: string[] = [];
  #length = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  text(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
  }

  line(text: string): void {
    this.text(`${text}\n`);
  }

  /** Writes if there is much to write. Throws ReaderGone. */
  async pause(): Promise<void> {
    if (this.#length >= GATHERED_MAX) await this.flush();
  }

  /** Writes all that was gathered. Throws ReaderGone. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const text = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    if (!(await this.#terminal.print(text))) throw new ReaderGone('standard output is closed');
  }
}
