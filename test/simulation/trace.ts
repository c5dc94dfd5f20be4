/** What a run did: a running hash of everything that was observed, and on request the lines themselves. */

export class Trace {
  /** Receives each line, when somebody wants to read them. */
  readonly #print: ((line: string) => void) | null;
  #hash = 0x811c9dc5;
  #hash2 = 0x01000193;
  #count = 0;

  constructor(print: ((line: string) => void) | null = null) {
    this.#print = print;
  }

  get isRead(): boolean {
    return this.#print !== null;
  }

  /** 16 hex digits and the count of what went in. */
  get digest(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return `${hex(this.#hash)}${hex(this.#hash2)}-${this.#count}`;
  }

  number(value: number): void {
    this.#count += 1;
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193);
    this.#hash2 = (Math.imul(this.#hash2, 0x5bd1e995) + (this.#hash ^ (this.#hash >>> 13))) | 0;
  }

  /** Something that happened at `atMs`. */
  event(atMs: number, text: string): void {
    this.number(Math.round(atMs * 1000));
    for (let index = 0; index < text.length; index++) this.number(text.charCodeAt(index));
    this.#print?.(`${(atMs / 1000).toFixed(6)} ${text}`);
  }

  /** Only for the reader; not part of the hash. */
  detail(atMs: number, text: () => string): void {
    if (this.#print !== null) this.#print(`${(atMs / 1000).toFixed(6)}   ${text()}`);
  }
}
