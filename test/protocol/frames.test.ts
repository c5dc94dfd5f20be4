import { DecodeError } from '../../protocol/bytes.ts';
import { FrameReader } from '../../protocol/frames.ts';

const framed = (...bodies: Buffer[]): Buffer =>
  Buffer.concat(
    bodies.flatMap((body) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(body.length);
      return [size, body];
    }),
  );

const bodies = [
  Buffer.from('one'),
  Buffer.alloc(0),
  Buffer.alloc(300_000, 7),
  Buffer.from('x'),
  Buffer.alloc(0),
];

test.each([1, 2, 3, 5, 7, 4096, 65_536, 1_000_000])(
  'frames come whole and in order out of chunks of %d bytes',
  (chunkBytes) => {
    const stream = framed(...bodies);
    const reader = new FrameReader(1_000_000);
    const frames: Buffer[] = [];
    for (let position = 0; position < stream.length; position += chunkBytes) {
      frames.push(...reader.push(stream.subarray(position, position + chunkBytes)));
    }
    expect(frames.map((frame) => frame.length)).toEqual(bodies.map((body) => body.length));
    expect(Buffer.concat(frames).equals(Buffer.concat(bodies))).toBe(true);
    expect(reader.pendingBytes).toBe(0);
  },
);

test.each([100_000, 200_000, 250_000, 400_000])(
  'a large frame may be read to where it belongs, %d bytes behind its beginning',
  (firstBytes) => {
    const stream = framed(Buffer.from('one'), Buffer.alloc(300_000, 'abcdefg'), Buffer.from('x'));
    const reader = new FrameReader(1_000_000);
    const frames: Buffer[] = [];
    // As a socket reads: into the room if there is any, as much as fits; else into a buffer that is used again.
    const shared = Buffer.alloc(firstBytes);
    let sharedReads = 0;
    for (let position = 0; position < stream.length; ) {
      const room = reader.room();
      const target = room ?? shared;
      if (room === null) sharedReads += 1;
      const byteCount = stream.copy(target, 0, position, position + target.length);
      frames.push(...reader.push(target.subarray(0, byteCount), true));
      shared.fill(0);
      position += byteCount;
    }
    expect(frames.map((frame) => frame.length)).toEqual([3, 300_000, 1]);
    expect(frames[1]?.equals(Buffer.alloc(300_000, 'abcdefg'))).toBe(true);
    expect(sharedReads).toBeLessThanOrEqual(2);
    expect(reader.room()).toBeNull();
  },
);

test('there is no room for what is small, nor before a frame has begun', () => {
  const reader = new FrameReader(1_000_000);
  expect(reader.room()).toBeNull();
  reader.push(framed(Buffer.alloc(60_000)).subarray(0, 20_000));
  expect(reader.room()).toBeNull();
});

test('a frame inside one chunk is a view of it', () => {
  const chunk = framed(Buffer.from('abc'), Buffer.from('def'));
  const [first, second] = new FrameReader(100).push(chunk);
  expect(first?.buffer).toBe(chunk.buffer);
  expect(second?.byteOffset).toBe(chunk.byteOffset + 11);
});

test('a size that is negative or too large is refused before anything is gathered', () => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(101);
  expect(() => new FrameReader(100).push(size)).toThrow(DecodeError);
  size.writeInt32BE(-1);
  expect(() => new FrameReader(100).push(size)).toThrow(DecodeError);
  size.writeInt32BE(100);
  expect(new FrameReader(100).push(size)).toEqual([]);
});

test('the limit may change between frames', () => {
  const reader = new FrameReader(2);
  expect(reader.push(framed(Buffer.from('ab')))).toHaveLength(1);
  reader.maxBytes = 3;
  expect(reader.push(framed(Buffer.from('abc')))).toHaveLength(1);
});

test('a size alone takes no memory to speak of', () => {
  const size = Buffer.from('06400000', 'hex');
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 100 }, () => new FrameReader(104_857_600));
  for (const reader of readers) {
    reader.push(size);
    reader.push(Buffer.from('x'));
  }
  expect(readers[0]?.pendingBytes).toBe(5);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
});
