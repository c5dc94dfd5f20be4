/**
 * Key stores and trust stores as Java names them, read into what Node's TLS takes: PEM, PKCS12 and JKS files. Pure; who reads
 * the file is in tls.ts.
 */
import { X509Certificate } from 'node:crypto';
import { isJks, readJks } from './jks.ts';
import { loadPackage } from './packages.ts';

export interface StoreSettings {
  readonly location: string;
  readonly password: string | null;
  /** PEM, PKCS12 or JKS; null: by the file's extension. */
  readonly type: string | null;
}

/** What proves who we are, in the words of Node's TLS options. */
export type KeyMaterial =
  | { readonly pfx: Buffer; readonly passphrase: string }
  | { readonly key: string; readonly cert: string; readonly passphrase?: string };

/** A store that cannot be used; the message is a sentence for the operator. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

type StoreType = 'PEM' | 'PKCS12' | 'JKS';

const types: ReadonlyMap<string, StoreType> = new Map([
  ['PEM', 'PEM'],
  ['PKCS12', 'PKCS12'],
  ['JKS', 'JKS'],
]);
const typesByExtension: ReadonlyMap<string, StoreType> = new Map([
  ['pem', 'PEM'],
  ['p12', 'PKCS12'],
  ['pfx', 'PKCS12'],
  ['pkcs12', 'PKCS12'],
  ['jks', 'JKS'],
]);

/** The private key and certificates of a key store's file; throws StoreError. */
export const readKeyStore = (settings: StoreSettings, bytes: Buffer): KeyMaterial =>
  reading(settings, () => {
    const type = storeType(settings, bytes);
    if (type === 'PKCS12') return { pfx: bytes, passphrase: settings.password ?? '' };
    if (type === 'PEM') {
      const text = bytes.toString('latin1');
      const [key] = pemBlocks(text, '[A-Z ]*PRIVATE KEY');
      const cert = pemBlocks(text, 'CERTIFICATE').join('\n');
      if (key === undefined || cert === '')
        throw new Error('it must hold a private key and its certificates');
      return {
        key,
        cert,
        ...(settings.password === null ? {} : { passphrase: settings.password }),
      };
    }
    const { key } = readJks(bytes, settings.password ?? '');
    if (key === null) throw new Error('there is no private key in it');
    return { key: key.pem, cert: key.chain.map(pemOf).join('') };
  });

/** The certificates that a trust store's file holds, as PEM; throws StoreError. */
export const readTrustStore = (settings: StoreSettings, bytes: Buffer): string[] =>
  reading(settings, () => {
    const certificates = certificatesIn(settings, bytes);
    if (certificates.length === 0) throw new Error('there is no certificate in it');
    return certificates;
  });

const certificatesIn = (settings: StoreSettings, bytes: Buffer): string[] => {
  const password = settings.password ?? '';
  const type = storeType(settings, bytes);
  if (type === 'PEM') return pemBlocks(bytes.toString('latin1'), 'CERTIFICATE');
  if (type === 'PKCS12') return pkcs12Certificates(bytes, password).map(pemOf);
  return readJks(bytes, password).trusted.map(pemOf);
};

const reading = <T>({ location }: StoreSettings, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(`The store ${location} cannot be used: ${reason}.`);
  }
};

const storeType = ({ location, type }: StoreSettings, bytes: Buffer): StoreType => {
  const extension = location.slice(location.lastIndexOf('.') + 1).toLowerCase();
  const known =
    type === null ? typesByExtension.get(extension) : types.get(type.trim().toUpperCase());
  if (known === undefined)
    throw new StoreError(
      `The store ${location} is of a type that cannot be read here: convert it to PEM, PKCS12 or JKS and name that as its type.`,
    );
  // Java, too, takes either of its two formats under either name.
  if (known === 'PEM') return known;
  return isJks(bytes) ? 'JKS' : 'PKCS12';
};

const pemBlocks = (text: string, label: string): string[] =>
  text.match(new RegExp(`-----BEGIN (${label})-----[\\s\\S]*?-----END \\1-----`, 'g')) ?? [];

const pemOf = (der: Buffer): string => new X509Certificate(der).toString();

/** The part of node-forge that reads PKCS12; Node's own reader wants a private key in it. */
interface Forge {
  readonly asn1: {
    fromDer(bytes: string): unknown;
    toDer(element: unknown): { getBytes(): string };
  };
  readonly pki: {
    readonly oids: { readonly certBag: string };
    certificateToAsn1(certificate: unknown): unknown;
  };
  readonly pkcs12: {
    pkcs12FromAsn1(
      element: unknown,
      strict: boolean,
      password: string,
    ): {
      getBags(filter: {
        bagType: string;
      }): Record<string, { cert?: unknown; asn1?: unknown }[] | undefined>;
    };
  };
}

const pkcs12Certificates = (bytes: Buffer, password: string): Buffer[] => {
  const { asn1, pki, pkcs12 } = loadPackage('node-forge') as Forge;
  const { certBag } = pki.oids;
  const store = pkcs12.pkcs12FromAsn1(asn1.fromDer(bytes.toString('latin1')), false, password);
  return (store.getBags({ bagType: certBag })[certBag] ?? []).map(({ cert, asn1: element }) => {
    // The package leaves a certificate as it is when its key is not RSA.
    const whole = cert ? pki.certificateToAsn1(cert) : element;
    return Buffer.from(asn1.toDer(whole).getBytes(), 'latin1');
  });
};
