/**
 * How passwords stand in ZooKeeper: encrypted with a key derived from `password.encoder.secret`, as
 * comma-joined `name:value` pairs (KIP-226, Kafka's PasswordEncoder). PBKDF2 and AES only, as
 * Java's names say them.
 */
import { createCipheriv, createDecipheriv, pbkdf2Sync } from 'node:crypto';
import type { Random } from '../../system/random.ts';
import { ConfigError } from './setting.ts';

export interface PasswordEncoderOptions {
  readonly secret: string;
  /** null: PBKDF2WithHmacSHA512. */
  readonly keyFactoryAlgorithm: string | null;
  readonly cipherAlgorithm: string;
  readonly keyLength: number;
  readonly iterations: number;
}

const SALT_BYTES = 256;
const TAG_BYTES = 16;
const ITERATIONS_MAX = 10_000_000;

/** Encrypts a password for ZooKeeper. */
export const encodePassword = (
  random: Random,
  options: PasswordEncoderOptions,
  password: string,
): string => {
  const keyFactoryAlgorithm = options.keyFactoryAlgorithm ?? 'PBKDF2WithHmacSHA512';
  const salt = random.bytes(SALT_BYTES);
  const { algorithm, isGcm } = cipherOf(options.cipherAlgorithm, options.keyLength);
  const iv = random.bytes(isGcm ? 12 : 16);
  const key = deriveKey({ ...options, keyFactoryAlgorithm }, salt);
  const clear = Buffer.from(password);
  const encrypted = isGcm
    ? sealGcm(algorithm, key, iv, clear)
    : joined(createCipheriv(algorithm, key, iv), clear);
  const fields = {
    keyFactoryAlgorithm,
    cipherAlgorithm: options.cipherAlgorithm,
    keyLength: options.keyLength,
    salt: salt.toString('base64'),
    iterations: options.iterations,
    encryptedPassword: encrypted.toString('base64'),
    passwordLength: password.length,
    initializationVector: iv.toString('base64'),
    ...(isGcm ? { authenticationTagLength: TAG_BYTES * 8 } : {}),
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${value}`)
    .join(',');
};

/** The password behind an encrypted value; throws ConfigError when `secret` does not open it. */
export const decodePassword = (secret: string, encoded: string): string => {
  try {
    const fields = new Map(
      encoded.split(',').map((pair): [string, string] => {
        const colon = pair.indexOf(':');
        return [pair.slice(0, colon), pair.slice(colon + 1)];
      }),
    );
    return open(secret, (name) => fields.get(name) ?? '');
  } catch (cause) {
    throw new ConfigError('Password could not be decoded', { cause });
  }
};

const open = (secret: string, field: (name: string) => string): string => {
  const binary = (name: string): Buffer => Buffer.from(field(name), 'base64');
  const keyLength = Number(field('keyLength'));
  const { algorithm, isGcm } = cipherOf(field('cipherAlgorithm'), keyLength);
  const keyFactoryAlgorithm = field('keyFactoryAlgorithm');
  const iterations = Number(field('iterations'));
  const key = deriveKey({ secret, keyFactoryAlgorithm, keyLength, iterations }, binary('salt'));
  const iv = binary('initializationVector');
  const sealed = binary('encryptedPassword');
  const clear = isGcm
    ? openGcm(algorithm, key, iv, sealed)
    : joined(createDecipheriv(algorithm, key, iv), sealed);
  const password = clear.toString();
  if (password.length !== Number(field('passwordLength'))) throw new Error('length');
  return password;
};

const deriveKey = (
  options: {
    readonly secret: string;
    readonly keyFactoryAlgorithm: string;
    readonly keyLength: number;
    readonly iterations: number;
  },
  salt: Buffer,
): Buffer => {
  const digest = /^PBKDF2WithHmac(SHA\d+)$/i.exec(options.keyFactoryAlgorithm)?.[1];
  if (digest === undefined || !(options.iterations <= ITERATIONS_MAX))
    throw new ConfigError(`Key factory ${options.keyFactoryAlgorithm} is not supported`);
  const bytes = options.keyLength / 8;
  return pbkdf2Sync(options.secret, salt, options.iterations, bytes, digest.toLowerCase());
};

const cipherOf = (
  transformation: string,
  keyLength: number,
): { algorithm: string; isGcm: boolean } => {
  const mode = /^AES\/(CBC\/PKCS5Padding|GCM\/NoPadding)$/.exec(transformation)?.[1]?.slice(0, 3);
  if (mode === undefined || ![128, 192, 256].includes(keyLength))
    throw new ConfigError(`Cipher ${transformation} with ${keyLength} bits is not supported`);
  return { algorithm: `aes-${keyLength}-${mode.toLowerCase()}`, isGcm: mode === 'GCM' };
};

const joined = (cipher: { update(data: Buffer): Buffer; final(): Buffer }, data: Buffer): Buffer =>
  Buffer.concat([cipher.update(data), cipher.final()]);

/** Java puts the tag behind the encrypted bytes. */
const sealGcm = (algorithm: string, key: Buffer, iv: Buffer, clear: Buffer): Buffer => {
  const cipher = createCipheriv(algorithm as 'aes-128-gcm', key, iv);
  return Buffer.concat([joined(cipher, clear), cipher.getAuthTag()]);
};

const openGcm = (algorithm: string, key: Buffer, iv: Buffer, sealed: Buffer): Buffer => {
  const decipher = createDecipheriv(algorithm as 'aes-128-gcm', key, iv);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  return joined(decipher, sealed.subarray(0, sealed.length - TAG_BYTES));
};
