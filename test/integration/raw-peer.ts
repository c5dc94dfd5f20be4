/** A client that speaks bare bytes, and the bytes of a few requests: for what no real client would send. */
import { connect, type Socket } from 'node:net';
import { type Api, apis, type RequestInput } from '../../protocol/apis.ts';
import { encodeRequest } from '../../protocol/headers.ts';
import { buildBatch } from '../../protocol/record-batch.ts';

/** A connection of a client that keeps what it receives. */
export class Peer {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #isClosed = false;
  #changed: () => void = () => {};

  constructor(socket: Socket, { reads = true }: { reads?: boolean } = {}) {
    this.#socket = socket;
    const ended = (): void => {
      this.#isClosed = true;
      this.#changed();
    };
    if (reads)
      socket.on('data', (chunk) => {
        this.#received.push(chunk);
        this.#changed();
      });
    else socket.pause();
    socket.on('error', () => {});
    socket.on('end', ended);
    socket.on('close', ended);
  }

  static dial(port: number, options: { reads?: boolean } = {}): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Peer(socket, options)));
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(...buffers: readonly Buffer[]): void {
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(buffers));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition())
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.#isClosed);
  }

  /** The correlation ids of the responses so far. */
  correlationIds(): number[] {
    const { received } = this;
    const ids: number[] = [];
    let position = 0;
    while (position + 8 <= received.length) {
      ids.push(received.readInt32BE(position + 4));
      position += 4 + received.readInt32BE(position);
    }
    return ids;
  }

  async answers(...correlationIds: readonly number[]): Promise<void> {
    const isComplete = (): boolean => this.correlationIds().length >= correlationIds.length;
    await this.until(() => this.#isClosed || isComplete());
    expect(this.correlationIds()).toEqual(correlationIds);
  }

  close(): void {
    this.#socket.destroy();
  }
}

export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

export const framed = (body: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
};

export const request = <A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: RequestInput<A>,
): Buffer => Buffer.concat(encodeRequest(api, version, { correlationId, clientId: 'bad' }, body));

export const apiVersions = (correlationId: number): Buffer =>
  request(apis.apiVersions, 0, correlationId, {});

export const produceBody = (
  topic: string,
  acks: number,
  value = Buffer.from('value'),
): RequestInput<typeof apis.produce> => {
  const records = buildBatch({ records: [{ key: null, value }] });
  return {
    acks,
    timeoutMs: 5000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  };
};
