/**
 * UTF-8 as Java reads it: half of a surrogate pair in three bytes becomes one replacement character,
 * where JavaScript writes one for every byte. Everything else that is wrong comes out alike.
 */
const REPLACEMENT = '\ufffd';
/** What a surrogate's bytes begin with; it never stands within another character. */
const FIRST = 0xed;
/** Never part of UTF-8. */
const INVALID = 0xff;

const isSecond = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 0xa0 && byte <= 0xbf;
const isContinuation = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 0x80 && byte <= 0xbf;

export const javaText = (bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (!text.includes(REPLACEMENT) || !bytes.includes(FIRST)) return text;
  const changed = Buffer.alloc(bytes.length);
  let length = 0;
  for (let position = 0; position < bytes.length; ) {
    const isSurrogate = bytes[position] === FIRST && isSecond(bytes[position + 1]);
    changed[length++] = isSurrogate ? INVALID : (bytes[position] as number);
    position += isSurrogate ? (isContinuation(bytes[position + 2]) ? 3 : 2) : 1;
  }
  return changed.toString('utf8', 0, length);
};
