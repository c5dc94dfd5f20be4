import { readFileSync } from 'node:fs';
import { decodePassword, encodePassword } from '../../../broker/config/password-encoder.ts';
import { ConfigError } from '../../../broker/config/setting.ts';
import { realRandom } from '../../../system/random.ts';

describe('passwords', () => {
  const options = {
    secret: 'a secret',
    keyFactoryAlgorithm: null,
    cipherAlgorithm: 'AES/CBC/PKCS5Padding',
    keyLength: 128,
    iterations: 1024,
  };

  test.each(['AES/CBC/PKCS5Padding', 'AES/GCM/NoPadding'])('come back from %s', (cipher) => {
    const encoded = encodePassword(realRandom, { ...options, cipherAlgorithm: cipher }, 'pässword');
    expect(decodePassword('a secret', encoded)).toBe('pässword');
    expect(() => decodePassword('another', encoded)).toThrow(ConfigError);
  });

  test('that Kafka encrypted can be read', () => {
    const { encoded, secret, password } = JSON.parse(
      readFileSync(new URL('../../fixtures/config/password.json', import.meta.url), 'utf8'),
    );
    expect(decodePassword(secret, encoded)).toBe(password);
  });
});
