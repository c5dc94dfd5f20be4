/**
 * Schema and version become an encoder and a decoder, compiled on first use. Their source comes
 * from codec-source.ts: straight code per version, which decoded Produce and Fetch about twice
 * as fast as closures composed per field. Values follow Kafka's generated classes: an absent
 * field is written as its default, a version without the field takes only the default unless the
 * field is ignorable, unknown tags are skipped, bytes after the body are not looked at.
 */
import { DecodeError, EncodeError, Reader } from './bytes.ts';
import { codecSource } from './codec-source.ts';
import { type Decoded, type Encodable, isInRange, type Message } from './schema.ts';
import { recordsBytes, Writer } from './writer.ts';

/**
 * One version of a message. Values are untyped here; `encode` and `decode` give them their
 * types.
 */
export interface Codec {
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
}

/** What the generated code may call, by the names it uses. */
const helpers = {
  Writer,
  emptyBytes: Buffer.alloc(0),
  emptyStruct: {},
  emptyArray: [],
  nullError: (field: string) => new EncodeError(`${field} must not be null`),
  versionError: (field: string) => new EncodeError(`${field} has no place in this version`),
  tagError: (tag: number) => new DecodeError(`tag ${tag} in a version that does not have it`),
  recordsBytes,
};

/** The codec of one version. Throws `Failure` when the message does not have it. */
export const codecOf = (
  message: Message,
  version: number,
  Failure: typeof EncodeError | typeof DecodeError = EncodeError,
): Codec => {
  const known = message.codecs[version] as Codec | undefined;
  if (known !== undefined) return known;
  if (!Number.isInteger(version) || !isInRange(message.versions, version)) {
    throw new Failure(`${message.name} has no version ${version}`);
  }
  return compile(message, version);
};

const compile = (message: Message, version: number): Codec => {
  const build = new Function(...Object.keys(helpers), codecSource(message, version));
  const codec = build(...Object.values(helpers)) as Codec;
  message.codecs[version] = codec;
  return codec;
};

/** The bytes of a body, in pieces; record batches are among them as they were given. */
export const encode = <M extends Message>(
  message: M,
  version: number,
  value: Encodable<M>,
): Buffer[] => {
  const writer = new Writer();
  codecOf(message, version).write(writer, value);
  return writer.finish();
};

/** The bytes of a body in one buffer. */
export const encodeToBuffer = <M extends Message>(
  message: M,
  version: number,
  value: Encodable<M>,
): Buffer => {
  const pieces = encode(message, version, value);
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
};

/**
 * The value in `buffer` from `position` on. Throws DecodeError; byte fields are views of the
 * buffer.
 */
export const decode = <M extends Message>(
  message: M,
  version: number,
  buffer: Buffer,
  position = 0,
): Decoded<M> =>
  codecOf(message, version, DecodeError).read(new Reader(buffer, position)) as Decoded<M>;
