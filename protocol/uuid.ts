/** Topic and cluster ids on the wire: 22 characters of url-safe base64 for sixteen bytes. */

/** Sixteen zero bytes: no id. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
