/**
 * Quotas and SCRAM credentials as they stand in ZooKeeper, and what is refused without an
 * authorizer or SASL.
 */
import {
  alterClientQuotasHandler,
  describeClientQuotasHandler,
} from '../../broker/handlers/client-quotas.ts';
import {
  alterUserScramCredentialsHandler,
  describeUserScramCredentialsHandler,
} from '../../broker/handlers/scram-credentials.ts';
import { handlers } from '../../broker/handlers/table.ts';
import { apis } from '../../protocol/apis.ts';
import { call, fakeServices, memoryZooKeeper } from './fake-services.ts';

const open = (isActive = true) => {
  const nodes = new Map<string, string>();
  return {
    nodes,
    services: fakeServices({ zookeeper: memoryZooKeeper(nodes), controller: { isActive } }),
  };
};

describe('client quotas', () => {
  const clientEntity = [{ entityType: 'client-id', entityName: 'quoted' }];
  const pairEntity = [
    { entityType: 'user', entityName: null },
    { entityType: 'client-id', entityName: 'a b' },
  ];
  const set = (entity: object[], key: string, value: number, fields: object = {}) => ({
    entries: [{ entity, ops: [{ key, value, remove: false }] }],
    validateOnly: false,
    ...fields,
  });
  const describeAll = { components: [], strict: false };

  test('are written as Kafka writes them, and announced', async () => {
    const { nodes, services } = open();
    const body = set(clientEntity, 'producer_byte_rate', 1_000_000);
    expect(await call(alterClientQuotasHandler, services, 1, body)).toEqual({
      throttleTimeMs: 0,
      entries: [{ errorCode: 0, errorMessage: null, entity: clientEntity }],
    });
    await call(alterClientQuotasHandler, services, 1, set(pairEntity, 'request_percentage', 100));
    expect([...nodes]).toEqual([
      ['/config/clients/quoted', '{"version":1,"config":{"producer_byte_rate":"1000000"}}'],
      ['/config/changes/config_change_0000000000', '{"version":2,"entity_path":"clients/quoted"}'],
      [
        '/config/users/<default>/clients/a%20b',
        '{"version":1,"config":{"request_percentage":"100.0"}}',
      ],
      [
        '/config/changes/config_change_0000000001',
        '{"version":2,"entity_path":"users/<default>/clients/a%20b"}',
      ],
    ]);
    expect(await call(describeClientQuotasHandler, services, 1, describeAll)).toMatchObject({
      errorCode: 0,
      errorMessage: '',
      entries: [
        { entity: pairEntity, values: [{ key: 'request_percentage', value: 100 }] },
        { entity: clientEntity, values: [{ key: 'producer_byte_rate', value: 1_000_000 }] },
      ],
    });
  });

  test('are filtered by exact name, default and any, strictly or not', async () => {
    const { services } = open();
    await call(alterClientQuotasHandler, services, 1, set(clientEntity, 'producer_byte_rate', 1));
    await call(alterClientQuotasHandler, services, 1, set(pairEntity, 'producer_byte_rate', 2));
    const found = async (strict: boolean, ...components: object[]) => {
      const body = { components, strict };
      const { entries } = await call(describeClientQuotasHandler, services, 1, body);
      return (entries as { values: { value: number }[] }[]).map(({ values }) => values[0]?.value);
    };
    const component = (entityType: string, matchType: number, match: string | null = null) => ({
      entityType,
      matchType,
      match,
    });
    expect(await found(false, component('client-id', 2))).toEqual([2, 1]);
    expect(await found(true, component('client-id', 2))).toEqual([1]);
    expect(await found(false, component('client-id', 0, 'a b'))).toEqual([2]);
    expect(await found(false, component('user', 1))).toEqual([2]);
    expect(await found(false, component('user', 0, 'nobody'))).toEqual([]);
  });

  test('go when the last one is removed, if nothing is below', async () => {
    const { nodes, services } = open();
    await call(alterClientQuotasHandler, services, 1, set(clientEntity, 'producer_byte_rate', 1));
    const ops = [{ key: 'producer_byte_rate', value: 0, remove: true }];
    const body = { entries: [{ entity: clientEntity, ops }], validateOnly: false };
    await call(alterClientQuotasHandler, services, 1, body);
    expect(nodes.has('/config/clients/quoted')).toBe(false);
  });

  test.each([
    ['no entity', [], 'producer_byte_rate', 1],
    ['an unknown type', [{ entityType: 'group', entityName: 'g' }], 'producer_byte_rate', 1],
    ['an empty name', [{ entityType: 'user', entityName: '' }], 'producer_byte_rate', 1],
    ['a key of another kind', clientEntity, 'connection_creation_rate', 1],
    ['a fraction of a byte', clientEntity, 'consumer_byte_rate', 1.5],
    [
      'an address and a user',
      [...pairEntity, { entityType: 'ip', entityName: '1.2.3.4' }],
      'connection_creation_rate',
      1,
    ],
  ])('%s is refused', async (_name, entity, key, value) => {
    const { nodes, services } = open();
    const { entries } = await call(alterClientQuotasHandler, services, 0, set(entity, key, value));
    expect(entries).toMatchObject([{ errorCode: 42 }]);
    expect(nodes.size).toBe(0);
  });

  test('are only looked at with validateOnly', async () => {
    const { nodes, services } = open();
    const body = set(clientEntity, 'producer_byte_rate', 1, { validateOnly: true });
    await call(alterClientQuotasHandler, services, 1, body);
    expect(nodes.size).toBe(0);
  });

  test.each([
    [[{ entityType: 'group', matchType: 0, match: 'g' }], 35],
    [[{ entityType: '', matchType: 0, match: 'g' }], 42],
    [
      [
        { entityType: 'user', matchType: 2, match: null },
        { entityType: 'user', matchType: 2, match: null },
      ],
      42,
    ],
  ])('the filter %j is refused', async (components, code) => {
    const response = call(describeClientQuotasHandler, open().services, 1, {
      components,
      strict: false,
    });
    await expect(response).rejects.toMatchObject({ code });
  });
});

describe('SCRAM credentials', () => {
  // The password is "pencil", salted with the salt of the security sheet, 4096 rounds of SHA-256.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const saltedPassword = Buffer.from('xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0=', 'base64');
  const upsertion = (fields: object = {}) => ({
    name: 'alice',
    mechanism: 1,
    iterations: 4096,
    salt,
    saltedPassword,
    ...fields,
  });
  const alter = (body: object, services = open().services) =>
    call(alterUserScramCredentialsHandler, services, 0, { deletions: [], upsertions: [], ...body });

  test('are stored as keys, beside what else the user has', async () => {
    const { nodes, services } = open();
    nodes.set('/config/users/alice', '{"version":1,"config":{"producer_byte_rate":"5"}}');
    const { results } = await alter({ upsertions: [upsertion()] }, services);
    expect(results).toEqual([{ user: 'alice', errorCode: 0, errorMessage: '' }]);
    const { config } = JSON.parse(nodes.get('/config/users/alice') ?? '');
    expect(config).toEqual({
      producer_byte_rate: '5',
      'SCRAM-SHA-256':
        'salt=W22ZaJ0SNY7soEsUEjb6gQ==,' +
        'stored_key=WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,' +
        'server_key=wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=,iterations=4096',
    });
    const described = await call(describeUserScramCredentialsHandler, services, 0, { users: null });
    expect(described.results).toEqual([
      {
        user: 'alice',
        errorCode: 0,
        errorMessage: '',
        credentialInfos: [{ mechanism: 1, iterations: 4096 }],
      },
    ]);
  });

  test.each([
    [{ name: '' }, 93],
    [{ mechanism: 9 }, 33],
    [{ iterations: 4095 }, 93],
    [{ iterations: 16385 }, 93],
  ])('%j is refused', async (fields, errorCode) => {
    expect(await alter({ upsertions: [upsertion(fields)] })).toMatchObject({
      results: [{ errorCode }],
    });
  });

  test('cannot be altered twice, deleted when absent, or changed off the controller', async () => {
    const deletions = [{ name: 'alice', mechanism: 1 }];
    const code = async (body: object, services = open().services) =>
      ((await alter(body, services)).results as { errorCode: number }[])[0]?.errorCode;
    expect(await code({ deletions, upsertions: [upsertion()] })).toBe(92);
    expect(await code({ deletions })).toBe(91);
    expect(await code({ deletions }, open(false).services)).toBe(41);
  });

  test('that are asked for by name', async () => {
    const users = [{ name: 'bob' }, { name: '' }, { name: 'eve' }, { name: 'eve' }];
    const response = await call(describeUserScramCredentialsHandler, open().services, 0, { users });
    expect((response.results as { errorCode: number }[]).map(({ errorCode }) => errorCode)).toEqual(
      [91, 91, 92],
    );
  });
});

const handlerOf = (key: number) => {
  const entry = handlers.find(({ api }) => api.key === key);
  if (entry === undefined) throw new Error(`no handler for ${key}`);
  return entry;
};

const transaction = { transactionalId: 't', producerId: 1, producerEpoch: 0 };
const filter = { resourceNameFilter: null, principalFilter: null, hostFilter: null };
const anything = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 };
const creation = { resourceType: 2, resourceName: 'a', principal: 'User:a', host: '*' };

test.each([
  [apis.describeAcls, 3, { ...filter, ...anything }, { errorCode: 54 }],
  [
    apis.createAcls,
    3,
    { creations: [{ ...creation, operation: 2, permissionType: 3 }] },
    { results: [{ errorCode: 54 }] },
  ],
  [
    apis.deleteAcls,
    3,
    { filters: [{ ...filter, ...anything }] },
    { filterResults: [{ errorCode: 54, matchingAcls: [] }] },
  ],
  [apis.saslHandshake, 1, { mechanism: 'PLAIN' }, { errorCode: 34, mechanisms: [] }],
  [
    apis.saslAuthenticate,
    2,
    { authBytes: Buffer.alloc(1) },
    {
      errorCode: 34,
      errorMessage: 'SaslAuthenticate request received after successful authentication',
    },
  ],
  [
    apis.createDelegationToken,
    3,
    { ownerPrincipalType: null, ownerPrincipalName: null, renewers: [], maxLifetimeMs: -1 },
    { errorCode: 64, principalType: 'User', principalName: 'ANONYMOUS' },
  ],
  [apis.describeDelegationToken, 1, { owners: null }, { errorCode: 64, tokens: [] }],
  [
    apis.consumerGroupDescribe,
    0,
    { groupIds: ['g'], includeAuthorizedOperations: false },
    { groups: [{ errorCode: 35, groupId: 'g' }] },
  ],
  [apis.endTxn, 4, { ...transaction, committed: true }, { errorCode: 15 }],
  [
    apis.addPartitionsToTxn,
    4,
    { transactions: [{ ...transaction, topics: [{ name: 'a', partitions: [1] }] }] },
    {
      resultsByTransaction: [
        { topicResults: [{ resultsByPartition: [{ partitionIndex: 1, partitionErrorCode: 15 }] }] },
      ],
    },
  ],
  [
    apis.listTransactions,
    1,
    { stateFilters: ['Ongoing', 'Odd'], producerIdFilters: [] },
    { errorCode: 0, unknownStateFilters: ['Odd'], transactionStates: [] },
  ],
  [
    apis.initProducerId,
    5,
    { transactionalId: 't', transactionTimeoutMs: 1 },
    { errorCode: 15, producerId: -1, producerEpoch: -1 },
  ],
  [
    apis.initProducerId,
    5,
    { transactionalId: null, transactionTimeoutMs: 1, producerId: 4 },
    { errorCode: 42, producerId: -1 },
  ],
])('$name v%d is refused as Kafka would', async (api, version, body, expected) => {
  const response = await call(handlerOf(api.key), fakeServices(), version, body);
  expect(response).toMatchObject(expected);
});
