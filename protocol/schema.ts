/**
 * How a message is declared: field constructors that carry their type. The order of the keys is the order on the wire;
 * every field says in which versions it exists, so that one object serves all versions of a message. TypeScript infers
 * what decoding returns (`Decoded`) and what encoding accepts (`Encodable`). Nothing here touches bytes: see compile.ts.
 * The attributes are those of Kafka's own message definitions (KIP-482 for flexible versions and tagged fields).
 */

/** '3' one version, '0-4' from to, '2+' from there on. */
export type Versions = `${number}` | `${number}-${number}` | `${number}+`;

export interface VersionRange {
  readonly min: number;
  /** Infinity in '2+'; below `min` when there is no such version. */
  readonly max: number;
}

/** A range parsed from its text; 'none' is the empty range. */
export const versionRange = (text: Versions | 'none'): VersionRange => {
  if (text === 'none') return { min: 0, max: -1 };
  if (text.endsWith('+')) return { min: Number(text.slice(0, -1)), max: Infinity };
  const [min, max = min] = text.split('-').map(Number);
  if (min === undefined || max === undefined) throw new TypeError(`bad versions: ${text}`);
  return { min, max };
};

export const isInRange = (range: VersionRange, version: number): boolean =>
  version >= range.min && version <= range.max;

/** What each scalar is in memory. */
interface Scalars {
  bool: boolean;
  int8: number;
  int16: number;
  uint16: number;
  int32: number;
  /** Checked: a value beyond 2^53 - 1 is a read error. */
  int64: number;
  /** An int64 of milliseconds, which saturates at 2^53 - 1 instead: clients do send the largest long for "for ever". */
  timestamp: number;
  int64Big: bigint;
  float64: number;
  string: string;
  /** 22 characters of url-safe base64. */
  uuid: string;
  /** A view of the decoded buffer. */
  bytes: Buffer;
  /** Like bytes; several buffers may be given when encoding. */
  records: Buffer;
}
export type ScalarType = keyof Scalars;

/** What the encoder takes for a scalar. */
type Given<T extends ScalarType> = T extends 'records' ? Buffer | readonly Buffer[] : Scalars[T];

/**
 * One field. `default` is what a reader sees in versions without the field (undefined: the zero of its type). A tagged
 * field is tagged in all its versions. `ignorable`: dropped without complaint where the version lacks it.
 */
export interface Field<
  V extends Versions = Versions,
  D = unknown,
  E = unknown,
  O extends boolean = boolean,
> {
  readonly type: ScalarType | 'struct' | 'array';
  readonly versionsText: V;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  readonly default: unknown;
  readonly tag: number | undefined;
  readonly ignorable: boolean;
  /** False for the one string (client id of request headers) that keeps its old form in flexible versions. */
  readonly isFlexible: boolean;
  /** The element of an array; a struct element has `fields` instead. */
  readonly element: ScalarType | undefined;
  /** The fields of a struct, or of the structs in an array. */
  readonly fields: Fields | undefined;
  /** For the compiler only, never set. */
  readonly shape?: { readonly decoded: D; readonly encodable: E; readonly isOptional: O };
}

export interface Fields {
  readonly [name: string]: Field;
}

export interface Message<V extends Versions = Versions, F extends Fields = Fields> {
  readonly name: string;
  readonly versionsText: V;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly fields: F;
  /** Compiled codecs by version, filled in by compile.ts. */
  readonly codecs: unknown[];
}

type Shape<F extends Field> = NonNullable<F['shape']>;

type DecodedFields<F extends Fields> = {
  readonly [K in keyof F]: Shape<F[K]>['decoded'];
};

/** The fields a value must have: no default, no tag, and present in all versions of what encloses them (V). */
type RequiredNames<F extends Fields, V extends Versions> = {
  [K in keyof F]: Shape<F[K]>['isOptional'] extends true
    ? never
    : F[K]['versionsText'] extends V | '0+'
      ? K
      : never;
}[keyof F];

type EncodableFields<F extends Fields, V extends Versions> = {
  readonly [K in RequiredNames<F, V>]: Shape<F[K]>['encodable'];
} & {
  readonly [K in Exclude<keyof F, RequiredNames<F, V>>]?: Shape<F[K]>['encodable'] | undefined;
};

/** What decoding gives: every field is there, with its default where the version lacks it. */
export type Decoded<M> = M extends Message<Versions, infer F> ? DecodedFields<F> : never;

/** What encoding takes: fields with a default, tagged ones and those that some versions lack may be left out. */
export type Encodable<M> = M extends Message<infer V, infer F> ? EncodableFields<F, V> : never;

interface Options<T> {
  readonly nullable?: Versions;
  readonly default?: T | null;
  readonly tag?: number;
  readonly ignorable?: boolean;
  readonly flexible?: 'none';
}
type NoOptions = Record<never, never>;
type OrNull<O> = O extends { readonly nullable: Versions } ? null : never;
type IsOptional<O> = O extends { readonly default: unknown } | { readonly tag: number }
  ? true
  : false;

const field = <V extends Versions, D, E, O extends boolean>(
  type: Field['type'],
  versions: V,
  options: Options<unknown>,
  content: { readonly element?: ScalarType; readonly fields?: Fields } = {},
): Field<V, D, E, O> => ({
  type,
  versionsText: versions,
  versions: versionRange(versions),
  nullable: versionRange(options.nullable ?? 'none'),
  default: options.default,
  tag: options.tag,
  ignorable: options.ignorable ?? false,
  isFlexible: options.flexible !== 'none',
  element: content.element,
  fields: content.fields,
});

const scalar =
  <T extends ScalarType>(type: T) =>
  <V extends Versions, const O extends Options<Scalars[T]> = NoOptions>(versions: V, options?: O) =>
    field<V, Scalars[T] | OrNull<O>, Given<T> | OrNull<O>, IsOptional<O>>(
      type,
      versions,
      options ?? {},
    );

export const bool = scalar('bool');
export const int8 = scalar('int8');
export const int16 = scalar('int16');
export const uint16 = scalar('uint16');
export const int32 = scalar('int32');
export const int64 = scalar('int64');
export const timestamp = scalar('timestamp');
export const int64Big = scalar('int64Big');
export const float64 = scalar('float64');
export const string = scalar('string');
export const uuid = scalar('uuid');
export const bytes = scalar('bytes');
export const records = scalar('records');

type DecodedElement<T> = T extends ScalarType
  ? Scalars[T]
  : T extends Fields
    ? DecodedFields<T>
    : never;
type EncodableElement<T, V extends Versions> = T extends ScalarType
  ? Given<T>
  : T extends Fields
    ? EncodableFields<T, V>
    : never;

/** An array of scalars, named by their type, or of structs, given by their fields. */
export const array = <
  V extends Versions,
  const T extends ScalarType | Fields,
  const O extends Options<readonly never[]> = NoOptions,
>(
  versions: V,
  element: T,
  options?: O,
) =>
  field<
    V,
    readonly DecodedElement<T>[] | OrNull<O>,
    readonly EncodableElement<T, V>[] | OrNull<O>,
    IsOptional<O>
  >(
    'array',
    versions,
    options ?? {},
    typeof element === 'string' ? { element } : { fields: element },
  );

/** A struct inside a struct. */
export const struct = <
  V extends Versions,
  F extends Fields,
  const O extends Options<never> = NoOptions,
>(
  versions: V,
  fields: F,
  options?: O,
) =>
  field<V, DecodedFields<F> | OrNull<O>, EncodableFields<F, V> | OrNull<O>, IsOptional<O>>(
    'struct',
    versions,
    options ?? {},
    { fields },
  );

/** Declares a message. `flexible`: the versions with compact lengths and tag sections. */
export const message = <V extends Versions, F extends Fields>(
  name: string,
  versions: { readonly versions: V; readonly flexible: Versions | 'none' },
  fields: F,
): Message<V, F> => ({
  name,
  versionsText: versions.versions,
  versions: versionRange(versions.versions),
  flexible: versionRange(versions.flexible),
  fields,
  codecs: [],
});

/** Whether a value may leave the field out: the run-time twin of `RequiredNames`. */
export const isOptional = (item: Field, enclosing: Versions): boolean =>
  item.default !== undefined ||
  item.tag !== undefined ||
  (item.versionsText !== '0+' && item.versionsText !== enclosing);
