/**
 * SASL exchanges where none is due: the listener has no SASL, or the connection is authenticated
 * (code 34).
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

export const saslHandshakeHandler = handler(apis.saslHandshake, () => ({
  errorCode: errorCodes.ILLEGAL_SASL_STATE,
  mechanisms: [],
}));

export const saslAuthenticateHandler = handler(apis.saslAuthenticate, () => ({
  errorCode: errorCodes.ILLEGAL_SASL_STATE,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
  authBytes: Buffer.alloc(0),
}));
