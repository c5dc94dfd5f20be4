/**
 * SCRAM credentials of users in ZooKeeper (KIP-554): described by any broker, changed by the active
 * controller. Only what is derived from the salted password is stored (security sheet §3.4).
 */
import { createHash, createHmac } from 'node:crypto';
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import {
  configRootZnode,
  DEFAULT_ENTITY,
  desanitizeName,
  sanitizeName,
} from '../../zookeeper/config-znodes.ts';
import type { Services } from '../services.ts';
import { childrenOf, readEntity, writeEntity } from './entity-configs.ts';
import { handler } from './handler.ts';

type DescribeResponse = ResponseOf<typeof apis.describeUserScramCredentials>;
type UserDescription = DescribeResponse['results'][number];
type AlterRequest = RequestOf<typeof apis.alterUserScramCredentials>;
type Upsertion = AlterRequest['upsertions'][number];

interface Outcome {
  readonly errorCode: number;
  readonly errorMessage: string;
}

const mechanisms: ReadonlyMap<number, { readonly name: string; readonly hash: string }> = new Map([
  [1, { name: 'SCRAM-SHA-256', hash: 'sha256' }],
  [2, { name: 'SCRAM-SHA-512', hash: 'sha512' }],
]);
const ITERATIONS_MIN = 4096;
const ITERATIONS_MAX = 16384;

const done: Outcome = { errorCode: errorCodes.NONE, errorMessage: '' };

export const describeUserScramCredentialsHandler = handler(
  apis.describeUserScramCredentials,
  async (services, request): Promise<DescribeResponse> => {
    const users = request.users ?? [];
    const results =
      users.length === 0
        ? await describeAll(services)
        : await describeNamed(
            services,
            users.map(({ name }) => name),
          );
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: '', results };
  },
);

const describeAll = async (services: Services): Promise<UserDescription[]> => {
  const children = await childrenOf(services.zookeeper, configRootZnode.path('users'));
  const users = children
    .filter((child) => child !== DEFAULT_ENTITY)
    .map(desanitizeName)
    .sort();
  const results = await Promise.all(users.map((user) => describe(services, user)));
  return results.filter(({ credentialInfos }) => credentialInfos.length > 0);
};

const describeNamed = (services: Services, users: readonly string[]): Promise<UserDescription[]> =>
  Promise.all(
    Array.from(new Set(users), async (user): Promise<UserDescription> => {
      const refuse = (errorCode: number, errorMessage: string): UserDescription => ({
        user,
        errorCode,
        errorMessage,
        credentialInfos: [],
      });
      if (user === '') return refuse(errorCodes.RESOURCE_NOT_FOUND, 'Username must not be empty');
      if (users.filter((other) => other === user).length > 1)
        return refuse(
          errorCodes.DUPLICATE_RESOURCE,
          `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
        );
      const description = await describe(services, user);
      if (description.credentialInfos.length > 0) return description;
      return refuse(
        errorCodes.RESOURCE_NOT_FOUND,
        `Attempt to describe a user credential that does not exist: ${user}`,
      );
    }),
  );

const describe = async ({ zookeeper }: Services, user: string): Promise<UserDescription> => {
  const config = await readEntity(zookeeper, entityOf(user));
  const credentialInfos = Array.from(mechanisms, ([mechanism, { name }]) => ({
    mechanism,
    iterations: Number(/(?:^|,)iterations=(\d+)/.exec(config?.get(name) ?? '')?.[1] ?? -1),
  })).filter(({ iterations }) => iterations >= 0);
  return { user, ...done, credentialInfos };
};

const entityOf = (user: string): string => `users/${sanitizeName(user)}`;

export const alterUserScramCredentialsHandler = handler(
  apis.alterUserScramCredentials,
  async (services, request) => {
    const users = new Set([...request.deletions, ...request.upsertions].map(({ name }) => name));
    const alterUser = async (user: string): Promise<Outcome> => {
      if (!services.controller.isActive)
        return {
          errorCode: errorCodes.NOT_CONTROLLER,
          errorMessage: 'This is not the correct controller for this cluster.',
        };
      const refusal = judge(request, user);
      return refusal ?? services.configWrites.run(() => alter(services, request, user));
    };
    return {
      throttleTimeMs: 0,
      results: await Promise.all(
        Array.from(users, async (user) => ({ user, ...(await alterUser(user)) })),
      ),
    };
  },
);

/** Why nothing at all is changed of this user's credentials, or null. */
const judge = (request: AlterRequest, user: string): Outcome | null => {
  const refuse = (errorCode: number, errorMessage: string): Outcome => ({
    errorCode,
    errorMessage,
  });
  if (user === '') return refuse(errorCodes.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty');
  const upsertions = request.upsertions.filter(({ name }) => name === user);
  const deletions = request.deletions.filter(({ name }) => name === user);
  const touched = [...upsertions, ...deletions].map(({ mechanism }) => mechanism);
  if (touched.some((mechanism) => !mechanisms.has(mechanism)))
    return refuse(errorCodes.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
  for (const { iterations } of upsertions) {
    if (iterations < ITERATIONS_MIN)
      return refuse(errorCodes.UNACCEPTABLE_CREDENTIAL, 'Too few iterations');
    if (iterations > ITERATIONS_MAX)
      return refuse(errorCodes.UNACCEPTABLE_CREDENTIAL, 'Too many iterations');
  }
  return new Set(touched).size === touched.length
    ? null
    : refuse(
        errorCodes.DUPLICATE_RESOURCE,
        'A user credential cannot be altered twice in the same request',
      );
};

const alter = async (
  { zookeeper }: Services,
  request: AlterRequest,
  user: string,
): Promise<Outcome> => {
  const config = (await readEntity(zookeeper, entityOf(user))) ?? new Map<string, string>();
  for (const { name, mechanism } of request.deletions) {
    if (name === user && !config.delete(mechanisms.get(mechanism)?.name ?? ''))
      return {
        errorCode: errorCodes.RESOURCE_NOT_FOUND,
        errorMessage: 'Attempt to delete a user credential that does not exist',
      };
  }
  for (const upsertion of request.upsertions) {
    const mechanism = mechanisms.get(upsertion.mechanism);
    if (upsertion.name === user && mechanism !== undefined)
      config.set(mechanism.name, credentialText(mechanism.hash, upsertion));
  }
  await writeEntity(zookeeper, entityOf(user), config);
  return done;
};

/** What a broker has to know to check a login (RFC 5802): not the password. */
const credentialText = (hash: string, { salt, saltedPassword, iterations }: Upsertion): string => {
  const keyOf = (text: string): Buffer => createHmac(hash, saltedPassword).update(text).digest();
  const storedKey = createHash(hash).update(keyOf('Client Key')).digest('base64');
  const serverKey = keyOf('Server Key').toString('base64');
  return (
    `salt=${salt.toString('base64')},stored_key=${storedKey},server_key=${serverKey},` +
    `iterations=${iterations}`
  );
};
