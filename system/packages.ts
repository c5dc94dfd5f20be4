/**
 * Packages that are loaded only when they are first needed, or that may be missing: prebuilt native
 * code, WebAssembly. Loading is synchronous, so that what they do can be; the caller says what
 * happens without them.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The exports of a package; throws what loading it threw. */
export const loadPackage = (name: string): unknown => createRequire(import.meta.url)(name);

/** The exports of one file beside the main file of a package. */
export const loadPackageFile = (name: string, file: string): unknown => {
  const main = createRequire(import.meta.url).resolve(name);
  return createRequire(main)(join(dirname(main), file));
};

/** The bytes of a file beside the main file of a package. */
export const readPackageFile = (name: string, file: string): Buffer => {
  const main = createRequire(import.meta.url).resolve(name);
  return readFileSync(join(dirname(main), file));
};
