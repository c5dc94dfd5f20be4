/**
 * Replays what clients asked the group coordinators of Apache Kafka 3.9.1 for, request by request
 * through the handlers, and expects the same answers. Member ids are random, so Kafka's are
 * translated into ours as they are handed out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGroupCoordinator } from '../../../broker/groups/coordinator.ts';
import { deleteGroupsHandler } from '../../../broker/handlers/delete-groups.ts';
import { describeGroupsHandler } from '../../../broker/handlers/describe-groups.ts';
import type { Handler, RequestContext } from '../../../broker/handlers/handler.ts';
import { heartbeatHandler } from '../../../broker/handlers/heartbeat.ts';
import { joinGroupHandler } from '../../../broker/handlers/join-group.ts';
import { leaveGroupHandler } from '../../../broker/handlers/leave-group.ts';
import { offsetCommitHandler } from '../../../broker/handlers/offset-commit.ts';
import { offsetDeleteHandler } from '../../../broker/handlers/offset-delete.ts';
import { offsetFetchHandler } from '../../../broker/handlers/offset-fetch.ts';
import { syncGroupHandler } from '../../../broker/handlers/sync-group.ts';
import type { Services } from '../../../broker/services.ts';
import { decode } from '../../../protocol/compile.ts';
import { decodeRequestHeader, decodeResponse, encodeResponse } from '../../../protocol/headers.ts';
import { ManualClock, manualSystem, settle } from '../../support/manual-clock.ts';
import { MemoryLog } from './memory-log.ts';

interface Line {
  readonly api: string;
  readonly version: number;
  readonly at_ms: number;
  readonly took_ms: number;
  readonly requestHex: string;
  readonly responseHex: string;
}

const handlers: Record<string, Handler> = {
  DeleteGroups: deleteGroupsHandler,
  DescribeGroups: describeGroupsHandler,
  Heartbeat: heartbeatHandler,
  JoinGroup: joinGroupHandler,
  LeaveGroup: leaveGroupHandler,
  OffsetCommit: offsetCommitHandler,
  OffsetDelete: offsetDeleteHandler,
  OffsetFetch: offsetFetchHandler,
  SyncGroup: syncGroupHandler,
};

const SIZE_BYTES = 4;

/** A copy of a decoded message with every string put through `translate`; bytes as hex. */
const mapped = (value: unknown, translate: (text: string) => string): unknown => {
  if (typeof value === 'string') return translate(value);
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map((item) => mapped(item, translate));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapped(item, translate)]),
  );
};

/** Topics and partitions come in the order of hash maps. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value))
    return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
};

class Replay {
  readonly clock = new ManualClock();
  readonly #services: Services;
  readonly #memberIds = new Map<string, string>();

  constructor(initialRebalanceDelayMs: number) {
    const system = manualSystem(this.clock);
    const groups = createGroupCoordinator(system, new MemoryLog(), {
      initialRebalanceDelayMs,
      partitionCount: 1,
    });
    groups.start();
    groups.onElection(0, 0);
    const partition = (topic: string, index: number): object | undefined =>
      topic === 'no-such-topic' || index > 9 ? undefined : {};
    this.#services = { system, groups, metadata: { partition } } as unknown as Services;
  }

  stop(): void {
    this.#services.groups.stop();
  }

  /** Sends one request; resolves to what was expected and what came. */
  async exchange(line: Line): Promise<{ expected: unknown; received: unknown }> {
    const handler = handlers[line.api];
    if (handler === undefined) throw new Error(`no handler for ${line.api}`);
    const { api } = handler;
    const frame = Buffer.from(line.requestHex, 'hex');
    const header = decodeRequestHeader(frame);
    const request = decode(api.request, line.version, frame, header.bodyPosition);
    const context: RequestContext = {
      apiVersion: line.version,
      correlationId: header.correlationId,
      clientId: header.clientId ?? '',
      clientHost: '127.0.0.1',
      connectionId: '1',
      listenerName: 'CLIENT',
      principal: 'User:ANONYMOUS',
    };
    const answer = await handler.handle(
      this.#services,
      this.#withOurIds(request) as never,
      context,
    );
    const bytes = Buffer.concat(
      encodeResponse(api, line.version, header.correlationId, answer as never),
    ).subarray(SIZE_BYTES);
    const expected = decodeResponse(api, line.version, Buffer.from(line.responseHex, 'hex')).body;
    const received = decodeResponse(api, line.version, bytes).body;
    if (line.api === 'JoinGroup') this.#learn(expected, received);
    const ours = (text: string): string => this.#ours(text);
    return {
      expected: sorted(mapped(expected, ours)),
      received: sorted(mapped(received, (text) => text)),
    };
  }

  #ours(text: string): string {
    return this.#memberIds.get(text) ?? text;
  }

  #learn(expected: unknown, received: unknown): void {
    const { memberId: kafkas } = expected as { memberId: string };
    const { memberId: own } = received as { memberId: string };
    if (kafkas !== '' && own !== '') this.#memberIds.set(kafkas, own);
  }

  /** Buffers must stay what they are, so the request is copied by hand. */
  #withOurIds(value: unknown): unknown {
    if (typeof value === 'string') return this.#ours(value);
    if (Array.isArray(value)) return value.map((item) => this.#withOurIds(item));
    if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.#withOurIds(item)]),
    );
  }
}

const read = (name: string): Line[] =>
  readFileSync(join(__dirname, `../../fixtures/groups/dialogue-${name}.ndjson`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

test.each([
  'members',
  'offsets',
  'errors',
  'kafkajs',
  'kcat',
  'franz-go',
  'kafka-python',
  'versions',
])('the dialogue about %s is answered as by Apache Kafka', async (name) => {
  const replay = new Replay(500);
  const exchanges: Promise<{ expected: unknown; received: unknown }>[] = [];
  for (const line of read(name)) {
    await replay.clock.advance(Math.max(0, line.at_ms - replay.clock.elapsedMs()));
    exchanges.push(replay.exchange(line));
    await settle();
  }
  await replay.clock.advance(2_000);
  const answers = await Promise.all(exchanges);
  replay.stop();
  expect(answers.map(({ received }) => received)).toEqual(answers.map(({ expected }) => expected));
});
