import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { readKeyStore, readTrustStore } from '../../system/key-stores.ts';
import { realSystem } from '../../system/system.ts';
import { loadTls, type TlsSettings } from '../../system/tls.ts';

const folder = 'test/fixtures/tls';
const store = (name: string, password: string | null = 'secret1', type: string | null = null) => ({
  location: `${folder}/${name}`,
  password,
  type,
});
const bytesOf = (name: string): Buffer => readFileSync(`${folder}/${name}`);

const subjects = (certificates: readonly string[]): string[] =>
  certificates.map((certificate) => new X509Certificate(certificate).subject);

describe('a trust store', () => {
  test.each(['authority.pem', 'authority.p12', 'authority.jks'])('%s is read', (name) => {
    expect(subjects(readTrustStore(store(name), bytesOf(name)))).toEqual(['CN=authority']);
  });

  test('of certificates beside a key gives them all', () => {
    const found = subjects(readTrustStore(store('client.p12'), bytesOf('client.p12')));
    expect(found.sort()).toEqual(['CN=authority', 'CN=client']);
  });

  test('without a certificate is refused', () => {
    const read = (): unknown => readTrustStore(store('client.jks'), bytesOf('client.jks'));
    expect(read).toThrow('client.jks cannot be used: there is no certificate in it.');
  });

  test.each(['authority.p12', 'authority.jks'])('%s under a wrong password is refused', (name) => {
    const read = (): unknown => readTrustStore(store(name, 'wrong'), bytesOf(name));
    expect(read).toThrow(/cannot be used: .*password/i);
  });
});

describe('a key store', () => {
  test.each(['pem', 'p12', 'jks'])('of a client as %s is read', (extension) => {
    const name = `client.${extension}`;
    expect(() => createSecureContext(readKeyStore(store(name), bytesOf(name)))).not.toThrow();
  });

  test("of Java's format may hold a key of another kind, and its chain", () => {
    const material = readKeyStore(store('server.jks'), bytesOf('server.jks'));
    expect(() => createSecureContext(material)).not.toThrow();
    expect('cert' in material && material.cert.match(/BEGIN/g)).toHaveLength(2);
  });

  test('is what its bytes say, where it is called JKS and is PKCS12', () => {
    expect(readKeyStore(store('client.p12', 'secret1', 'jks'), bytesOf('client.p12'))).toEqual({
      pfx: bytesOf('client.p12'),
      passphrase: 'secret1',
    });
  });

  test('that cannot be used is refused with a sentence', () => {
    const read = (name: string, password?: string, type?: string): unknown =>
      readKeyStore(store(name, password, type ?? null), bytesOf(name));
    expect(() => read('authority.pem')).toThrow('must hold a private key');
    expect(() => read('authority.jks')).toThrow('there is no private key in it');
    expect(() => read('client.jks', 'wrong')).toThrow('the password is wrong');
    expect(() => read('client.pem', 'secret1', 'BCFKS')).toThrow('convert it to PEM, PKCS12');
    expect(() => read('make.sh')).toThrow('convert it to PEM, PKCS12');
  });

  test("of Java's format that was cut or changed is refused, wherever", () => {
    const bytes = bytesOf('server.jks');
    for (let length = 5; length < bytes.length; length += 13) {
      const cut = bytes.subarray(0, length);
      for (const password of ['secret1', ''])
        expect(() => readKeyStore(store('server.jks', password), cut)).toThrow(/cannot be used/);
    }
  });
});

describe('TLS settings', () => {
  const settings: TlsSettings = {
    keystore: null,
    truststore: null,
    protocols: ['TLSv1.2'],
    cipherSuites: [],
    checksHostName: true,
  };
  const load = (changes: Partial<TlsSettings>): Promise<unknown> =>
    loadTls(realSystem().disk, { ...settings, ...changes });

  test('are refused where they name what is not there', async () => {
    await expect(load({ truststore: store('none.pem') })).rejects.toThrow('There is no store');
    await expect(load({ keystore: store('client.p12', 'wrong') })).rejects.toThrow(
      'client.p12 cannot be used: mac verify failure.',
    );
    await expect(load({ protocols: ['TLSv9'] })).rejects.toThrow('TLSv9 is not known');
    await expect(load({ cipherSuites: ['TLS_AES_128_GCM_SHA256', 'TLS_NONE'] })).rejects.toThrow(
      'The cipher suite TLS_NONE is not known',
    );
    await expect(load({ keystore: store('client.jks') })).resolves.toBeDefined();
  });
});
