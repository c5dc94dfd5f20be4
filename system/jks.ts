/**
 * Java's own key store format (JKS), read only: entries of certificates in the clear and of private keys behind a keystream of
 * SHA-1 hashes (the JDK's JavaKeyStore and KeyProtector). Pure.
 */
import { createHash, createPrivateKey, timingSafeEqual } from 'node:crypto';

export interface JksContent {
  /** Certificates that stand alone, DER. */
  readonly trusted: readonly Buffer[];
  /** The first private key (PKCS #8, PEM) with its certificates (DER), its own first. */
  readonly key: { readonly pem: string; readonly chain: readonly Buffer[] } | null;
}

const MAGIC = 0xfeedfeed;
const KEY_ENTRY = 1;
const CERTIFICATE_ENTRY = 2;
const HASH_BYTES = 20;
const CHECKSUM_SALT = 'Mighty Aphrodite';

export const isJks = (bytes: Buffer): boolean =>
  bytes.length > 4 && bytes.readUInt32BE(0) === MAGIC;

/** Reads a store; throws an Error that says what is wrong, the password or the bytes. */
export const readJks = (bytes: Buffer, password: string): JksContent => {
  const passwordBytes = Buffer.from(password, 'utf16le').swap16();
  const body = bytes.subarray(0, -HASH_BYTES);
  const checksum = sha1(passwordBytes, Buffer.from(CHECKSUM_SALT), body);
  // A store that was opened without a password cannot be checked; its certificates need none.
  if (password !== '' && !isEqual(checksum, bytes.subarray(-HASH_BYTES)))
    throw new Error('the password is wrong, or the file is damaged');
  const reader = new Reader(body);
  reader.skip(4);
  const version = reader.uint32();
  const trusted: Buffer[] = [];
  let key: JksContent['key'] = null;
  const certificate = (): Buffer => {
    if (version > 1) reader.bytes(reader.uint16());
    return reader.bytes(reader.uint32());
  };
  for (let rest = reader.uint32(); rest > 0; rest--) {
    const tag = reader.uint32();
    reader.bytes(reader.uint16());
    reader.skip(8);
    if (tag === CERTIFICATE_ENTRY) {
      trusted.push(certificate());
    } else if (tag === KEY_ENTRY) {
      const guarded = reader.bytes(reader.uint32());
      const chain: Buffer[] = [];
      for (let links = reader.uint32(); links > 0; links--) chain.push(certificate());
      key ??= { pem: uncover(guarded, passwordBytes), chain };
    } else throw new Error('it has an entry of an unknown kind');
  }
  return { trusted, key };
};

/** Takes the keystream off a private key: SEQUENCE { SEQUENCE { algorithm }, OCTET STRING { salt, key, hash } }. */
const uncover = (guarded: Buffer, password: Buffer): string => {
  const outer = new Reader(derContent(new Reader(guarded)));
  derContent(outer);
  const octets = derContent(outer);
  let block: Buffer = octets.subarray(0, HASH_BYTES);
  const plain = Buffer.from(octets.subarray(HASH_BYTES, -HASH_BYTES));
  for (let position = 0; position < plain.length; position += HASH_BYTES) {
    block = sha1(password, block);
    const end = Math.min(HASH_BYTES, plain.length - position);
    for (let index = 0; index < end; index++)
      plain[position + index] = (plain[position + index] ?? 0) ^ (block[index] ?? 0);
  }
  if (!isEqual(sha1(password, plain), octets.subarray(-HASH_BYTES)))
    throw new Error('the password of its private key is not that of the store');
  return createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
};

/** The content of the DER element at hand, whatever its tag. */
const derContent = (reader: Reader): Buffer => {
  reader.skip(1);
  const first = reader.bytes(1)[0] ?? 0;
  if (first < 0x80) return reader.bytes(first);
  let length = 0;
  for (const byte of reader.bytes(first & 0x7f)) length = length * 256 + byte;
  return reader.bytes(length);
};

const sha1 = (...parts: readonly Buffer[]): Buffer => {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const isEqual = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

/** Reads forward; throws where the bytes end too soon. */
class Reader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bytes(count: number): Buffer {
    const start = this.#position;
    if (start + count > this.#bytes.length) throw new Error('it ends too soon');
    this.#position += count;
    return this.#bytes.subarray(start, this.#position);
  }

  skip(count: number): void {
    this.bytes(count);
  }

  uint16(): number {
    return this.bytes(2).readUInt16BE(0);
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE(0);
  }
}
