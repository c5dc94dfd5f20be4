/**
 * CreateTopics, DeleteTopics, CreatePartitions and ElectLeaders around a controller that only takes
 * notes.
 */
import type { ControllerApi, TopicResult } from '../../broker/controller-api.ts';
import { createPartitionsHandler } from '../../broker/handlers/create-partitions.ts';
import { createTopicsHandler } from '../../broker/handlers/create-topics.ts';
import { deleteTopicsHandler } from '../../broker/handlers/delete-topics.ts';
import { electLeadersHandler } from '../../broker/handlers/elect-leaders.ts';
import type { Services } from '../../broker/services.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { absent, call, clusterUpdate, fakeServices, topicIdOf } from './fake-services.ts';

const noSettings = absent<Services['config']>('config', { values: new Map(), raw: new Map() });

const open = (controller: Partial<ControllerApi>, config: Partial<Services['config']> = {}) =>
  fakeServices({
    controller: { isActive: true, ...controller },
    config: { deleteTopicEnable: true, ...config },
    dynamicConfig: absent<Services['dynamicConfig']>('dynamicConfig', {
      current: noSettings,
      staticConfig: noSettings,
      clusterOverrides: new Map(),
      brokerOverrides: new Map(),
    }),
  });

type Open = ReturnType<typeof open>;

/** What the controller's UpdateMetadata does to a broker. */
const show = (services: Open, name: string, digit: number, ...leaders: number[]): void => {
  const partitions = leaders.map((leader) => ({ leader, replicas: [2, 1] }));
  services.metadata.update(clusterUpdate([{ name, topicId: topicIdOf(digit), partitions }]));
  services.topicWaits.check([name]);
};

const done = (name: string): TopicResult => ({
  name,
  errorCode: 0,
  errorMessage: null,
  topicId: topicIdOf(1),
  numPartitions: 2,
  replicationFactor: 3,
});

const topicNamed = (name: string, fields: object = {}) => ({
  name,
  numPartitions: 2,
  replicationFactor: 3,
  assignments: [],
  configs: [],
  ...fields,
});

describe('CreateTopics', () => {
  const request = (topics: object[], fields: object = {}) => ({
    topics,
    timeoutMs: 1000,
    validateOnly: false,
    ...fields,
  });

  test('is refused by a broker that is not the controller', async () => {
    const services = open({ isActive: false });
    const response = await call(createTopicsHandler, services, 7, request([topicNamed('a')]));
    expect(response.topics).toEqual([
      {
        name: 'a',
        topicId: ZERO_UUID,
        errorCode: 41,
        errorMessage: '',
        topicConfigErrorCode: 0,
        numPartitions: -1,
        replicationFactor: -1,
        configs: [],
      },
    ]);
  });

  test('waits until the metadata cache shows leaders for all partitions', async () => {
    const services = open({ createTopics: async (topics) => topics.map(({ name }) => done(name)) });
    const topic = topicNamed('a', { configs: [{ name: 'retention.ms', value: '77' }] });
    let isAnswered = false;
    const response = call(createTopicsHandler, services, 7, request([topic])).then((body) => {
      isAnswered = true;
      return body;
    });
    await services.clock.advance(0);
    show(services, 'a', 1, 2, -1);
    await services.clock.advance(0);
    expect(isAnswered).toBe(false);
    show(services, 'a', 1, 2, 1);
    const { topics } = (await response) as { topics: { configs: object[] }[] };
    expect(topics).toMatchObject([
      { name: 'a', topicId: topicIdOf(1), errorCode: 0, numPartitions: 2, replicationFactor: 3 },
    ]);
    expect(topics[0]?.configs).toContainEqual({
      name: 'retention.ms',
      value: '77',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    });
  });

  test('says that it took too long, or that it was given no time', async () => {
    const services = open({ createTopics: async (topics) => topics.map(({ name }) => done(name)) });
    const response = call(createTopicsHandler, services, 5, request([topicNamed('a')]));
    await services.clock.advance(1004);
    expect(await response).toMatchObject({ topics: [{ errorCode: 7, errorMessage: null }] });
    const hurried = request([topicNamed('a')], { timeoutMs: 0 });
    expect(await call(createTopicsHandler, services, 5, hurried)).toMatchObject({
      topics: [{ errorCode: 7 }],
    });
  });

  test('does not wait when it only validates', async () => {
    const { topicId: _topicId, ...validated } = done('a');
    const services = open({
      createTopics: async (_topics, { validateOnly }) => (validateOnly ? [validated] : []),
    });
    const body = request([topicNamed('a')], { validateOnly: true, timeoutMs: 0 });
    expect(await call(createTopicsHandler, services, 7, body)).toMatchObject({
      topics: [{ errorCode: 0, topicId: ZERO_UUID, numPartitions: 2 }],
    });
  });

  test('refuses what needs no ZooKeeper to be refused', async () => {
    const asked: string[] = [];
    const services = open({
      createTopics: async (topics) => {
        asked.push(...topics.map(({ name }) => name));
        return topics.map(({ name }) => ({ name, errorCode: 38, errorMessage: 'too many' }));
      },
    });
    show(services, 'old', 1, 1);
    const body = request([
      topicNamed('twice'),
      topicNamed('twice'),
      topicNamed('old'),
      topicNamed('__cluster_metadata'),
      topicNamed('void', { configs: [{ name: 'retention.ms', value: null }] }),
      topicNamed('asked'),
    ]);
    const { topics } = await call(createTopicsHandler, services, 4, body);
    expect(topics).toMatchObject([
      { errorCode: 42, errorMessage: 'Found multiple entries for this topic.' },
      { errorCode: 42 },
      { errorCode: 36, errorMessage: `Topic 'old' already exists.` },
      { errorCode: 42 },
      { errorCode: 40 },
      { errorCode: 38, errorMessage: 'too many' },
    ]);
    expect(asked).toEqual(['asked']);
  });
});

describe('DeleteTopics', () => {
  const withTopics = (config: Partial<Services['config']> = {}) => {
    const deleted: string[] = [];
    const services = open(
      {
        deleteTopics: async (names) => {
          deleted.push(...names);
          return names.map((name) => ({ name, errorCode: 0, errorMessage: null }));
        },
      },
      config,
    );
    show(services, 'a', 1, 1);
    show(services, 'b', 2, 1);
    return { services, deleted };
  };

  test('resolves ids, and waits until the topics are gone', async () => {
    const { services, deleted } = withTopics();
    const response = call(deleteTopicsHandler, services, 6, {
      topics: [
        { name: 'a', topicId: ZERO_UUID },
        { name: null, topicId: topicIdOf(2) },
        { name: null, topicId: topicIdOf(5) },
        { name: 'missing', topicId: ZERO_UUID },
      ],
      timeoutMs: 1000,
    });
    await services.clock.advance(0);
    expect(deleted).toEqual(['a', 'b']);
    show(services, 'a', 1, -2);
    show(services, 'b', 2, -2);
    expect((await response).responses).toEqual([
      { name: 'a', topicId: ZERO_UUID, errorCode: 0, errorMessage: null },
      { name: 'b', topicId: topicIdOf(2), errorCode: 0, errorMessage: null },
      { name: null, topicId: topicIdOf(5), errorCode: 100, errorMessage: null },
      { name: 'missing', topicId: ZERO_UUID, errorCode: 3, errorMessage: null },
    ]);
  });

  test('takes names before version 6, and gives up at its deadline', async () => {
    const { services } = withTopics();
    const response = call(deleteTopicsHandler, services, 5, { topicNames: ['a'], timeoutMs: 50 });
    await services.clock.advance(54);
    expect(await response).toMatchObject({ responses: [{ name: 'a', errorCode: 7 }] });
  });

  test('can be switched off', async () => {
    const { services, deleted } = withTopics({ deleteTopicEnable: false });
    const codes = async (version: number) => {
      const body = { topicNames: ['a'], timeoutMs: 50 };
      const { responses } = await call(deleteTopicsHandler, services, version, body);
      return (responses as { errorCode: number }[])[0]?.errorCode;
    };
    expect([await codes(2), await codes(3)]).toEqual([42, 73]);
    expect(deleted).toEqual([]);
  });

  test('refuses a name and an id at once', async () => {
    const { services } = withTopics();
    const body = { topics: [{ name: 'a', topicId: topicIdOf(1) }], timeoutMs: 50 };
    const response = call(deleteTopicsHandler, services, 6, body);
    await expect(response).rejects.toMatchObject({ code: 42 });
  });
});

describe('CreatePartitions', () => {
  const request = (...names: string[]) => ({
    topics: names.map((name) => ({ name, count: 3, assignments: null })),
    timeoutMs: 1000,
    validateOnly: false,
  });

  test('waits for the new partitions; a repeated topic is refused once', async () => {
    const services = open({
      createPartitions: async (topics) =>
        topics.map(({ name }) => ({ name, errorCode: 0, errorMessage: null })),
    });
    show(services, 'a', 1, 1, 2);
    const response = call(createPartitionsHandler, services, 3, request('a', 'b', 'b'));
    await services.clock.advance(0);
    show(services, 'a', 1, 1, 2, 1);
    expect((await response).results).toEqual([
      { name: 'b', errorCode: 42, errorMessage: 'Duplicate topic in request.' },
      { name: 'a', errorCode: 0, errorMessage: null },
    ]);
  });

  test('is refused by a broker that is not the controller', async () => {
    const services = open({ isActive: false });
    expect((await call(createPartitionsHandler, services, 2, request('a'))).results).toEqual([
      { name: 'a', errorCode: 41, errorMessage: null },
    ]);
  });
});

describe('ElectLeaders', () => {
  const result = (partitionId: number, errorCode: number) => ({
    partitionId,
    errorCode,
    errorMessage: errorCode === 0 ? null : 'why',
  });
  const answering = () =>
    open({
      electLeaders: async () => ({
        throttleTimeMs: 0,
        errorCode: 0,
        replicaElectionResults: [{ topic: 'a', partitionResult: [result(0, 0), result(1, 84)] }],
      }),
    });
  const topicPartitions = [{ topic: 'a', partitions: [0, 1] }];

  test('waits for the preferred leader', async () => {
    const services = answering();
    show(services, 'a', 1, 1, 1);
    const body = { electionType: 0, topicPartitions, timeoutMs: 1000 };
    const response = call(electLeadersHandler, services, 2, body);
    await services.clock.advance(0);
    show(services, 'a', 1, 2, 1);
    expect((await response).replicaElectionResults).toEqual([
      { topic: 'a', partitionResult: [result(0, 0), result(1, 84)] },
    ]);
  });

  test('gives up at its deadline', async () => {
    const services = answering();
    show(services, 'a', 1, -1, 1);
    const body = { electionType: 1, topicPartitions, timeoutMs: 100 };
    const response = call(electLeadersHandler, services, 2, body);
    await services.clock.advance(104);
    expect((await response).replicaElectionResults).toMatchObject([
      { partitionResult: [{ errorCode: 7, errorMessage: null }, { errorCode: 84 }] },
    ]);
  });

  test('names every partition on a broker that is not the controller', async () => {
    const services = open({ isActive: false });
    show(services, 'a', 1, 1, 1);
    const body = { electionType: 0, topicPartitions: null, timeoutMs: 100 };
    expect(await call(electLeadersHandler, services, 2, body)).toMatchObject({
      errorCode: 0,
      replicaElectionResults: [
        { topic: 'a', partitionResult: [{ errorCode: 41, errorMessage: null }, { errorCode: 41 }] },
      ],
    });
  });

  test('knows two types of election', async () => {
    const body = { electionType: 9, topicPartitions, timeoutMs: 100 };
    const response = call(electLeadersHandler, open({}), 2, body);
    await expect(response).rejects.toMatchObject({ code: -1 });
  });
});
