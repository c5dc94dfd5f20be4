/**
 * Strings from UTF-8 bytes. Requests carry the same few again and again (client ids, topics, groups); to find one among
 * those seen lately takes less than half of decoding it, which is a call into native code, and makes no new string.
 */

const SLOT_COUNT = 1024;
const KNOWN_BYTES_MAX = 64;
/** By a hash of their bytes; whoever comes last to a slot has it. */
const slots: string[] = Array.from({ length: SLOT_COUNT }, () => '');

/** The string in buffer[start, end); what is no UTF-8 is replaced. */
export const decodeString = (buffer: Buffer, start: number, end: number): string => {
  if (end - start > KNOWN_BYTES_MAX) return buffer.toString('utf8', start, end);
  let hash = 0;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (buffer[at] as number)) | 0;
  const slot = hash & (SLOT_COUNT - 1);
  const known = slots[slot] as string;
  if (isAscii(known, buffer, start, end)) return known;
  const text = buffer.toString('utf8', start, end);
  slots[slot] = text;
  return text;
};

/** Whether the bytes are ASCII and those of `text`. */
const isAscii = (text: string, buffer: Buffer, start: number, end: number): boolean => {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) {
    const byte = buffer[start + index] as number;
    if (byte > 0x7f || byte !== text.charCodeAt(index)) return false;
  }
  return true;
};
