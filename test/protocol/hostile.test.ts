/**
 * What no peer should send, given to every decoder: cut bodies, lengths and counts that lie,
 * noise, tags without end. Each attempt ends in a value or in a DecodeError; what a body can
 * make us allocate follows from its own size.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allMessages } from '../../protocol/all-messages.ts';
import { DecodeError } from '../../protocol/bytes.ts';
import { decode } from '../../protocol/compile.ts';
import { decodeRequestHeader } from '../../protocol/headers.ts';
import { metadataRequest } from '../../protocol/messages/metadata.ts';
import { isInRange, type Message } from '../../protocol/schema.ts';

interface Vector {
  readonly name: string;
  readonly version: number;
  readonly hex: string;
}

const path = join(__dirname, '../fixtures/wire/messages.ndjson');
const vectors = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);
const samples = (message: Message): { readonly version: number; readonly body: Buffer }[] =>
  vectors
    .filter(({ name }) => name === message.name)
    .map(({ version, hex }) => ({ version, body: Buffer.from(hex, 'hex') }));

/** The value, or the DecodeError; anything else that is thrown fails the test. */
const attempt = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
};

/** Numbers below 2^32, the same in every run. */
const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state ^ (state >>> 13)) >>> 0;
  };
};

const byName = allMessages.map((message) => [message.name, message] as const);

describe.each(byName)('%s', (_name, message) => {
  test('is refused when cut anywhere', () => {
    for (const { version, body } of samples(message)) {
      for (let length = 0; length < body.length; length += 1) {
        const result = attempt(() => decode(message, version, body.subarray(0, length)));
        if (!(result instanceof DecodeError)) throw new Error(`v${version} read from ${length}`);
      }
    }
  });

  test('survives lengths that lie', () => {
    const lies = ['7fffffff', 'ffffffff', '80000000', '7fff', '8000', 'ffffffff0f', 'ffffffffff'];
    const patches = lies.map((hex) => Buffer.from(hex, 'hex'));
    for (const { version, body } of samples(message)) {
      const step = Math.ceil(body.length / 40);
      for (let position = 0; position < body.length; position += step) {
        for (const patch of patches) {
          const bent = Buffer.from(body);
          patch.copy(bent, position);
          attempt(() => decode(message, version, bent));
        }
      }
    }
  });

  test('survives noise', () => {
    const random = seeded(message.name.length * 7919);
    for (let version = message.versions.min; version <= message.versions.max; version += 1) {
      for (let round = 0; round < 40; round += 1) {
        // Small bytes make plausible lengths, so that the noise gets further in.
        const mask = round % 2 === 0 ? 0xff : 0x03;
        const noise = Buffer.from(Array.from({ length: random() % 200 }, () => random() & mask));
        attempt(() => decode(message, version, noise));
      }
    }
  });

  test('skips any number of unknown tags that are there, and refuses those that are not', () => {
    const tags = Buffer.concat([
      Buffer.from('c801', 'hex'),
      Buffer.from('640201ff'.repeat(200), 'hex'),
    ]);
    for (const { version, body } of samples(message)) {
      const hasEmptyTags = isInRange(message.flexible, version) && body.at(-1) === 0;
      if (!hasEmptyTags) continue;
      const bare = body.subarray(0, -1);
      const value = decode(message, version, body);
      expect(decode(message, version, Buffer.concat([bare, tags]))).toEqual(value);
      const endless = Buffer.concat([bare, Buffer.from('ffffffff0f', 'hex')]);
      expect(attempt(() => decode(message, version, endless))).toBeInstanceOf(DecodeError);
    }
  });
});

test('request headers survive noise', () => {
  const random = seeded(1);
  for (let round = 0; round < 20_000; round += 1) {
    const noise = Buffer.from(Array.from({ length: random() % 40 }, () => random() & 0xff));
    // A key below 256, so that many are known.
    if (noise.length > 0) noise[0] = 0;
    attempt(() => decodeRequestHeader(noise));
  }
});

test('a large body of tiny elements is refused before they are made', () => {
  const body = Buffer.alloc(20_000_000);
  body.writeInt32BE(body.length - 4, 0);
  expect(() => decode(metadataRequest, 1, body)).toThrow('elements');
});
