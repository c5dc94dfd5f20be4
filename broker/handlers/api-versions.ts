/**
 * ApiVersions: which APIs this broker speaks in which versions (KIP-35, KIP-511): all that the API
 * table marks as advertised. A version we do not know is answered in version 0 with our range of
 * this API alone, before its body is looked at; dispatch.ts sees to that.
 */
import { allApis, apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { encodeResponse } from '../../protocol/headers.ts';
import { handler } from './handler.ts';

const WITH_SOFTWARE_NAME = 3;
const SOFTWARE_TEXT = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

const advertised = allApis
  .filter(({ isAdvertised }) => isAdvertised)
  .map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }));

export const apiVersionsHandler = handler(apis.apiVersions, ({ features }, request, context) => {
  const isValid =
    context.apiVersion < WITH_SOFTWARE_NAME ||
    (SOFTWARE_TEXT.test(request.clientSoftwareName) &&
      SOFTWARE_TEXT.test(request.clientSoftwareVersion));
  if (!isValid) return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] };
  return {
    errorCode: errorCodes.NONE,
    apiKeys: advertised,
    finalizedFeaturesEpoch: features.epoch,
    finalizedFeatures: Object.entries(features.levels)
      .filter(([, level]) => level > 0)
      .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
  };
});

/** The whole answer to a version of ApiVersions that we do not have. */
export const unsupportedVersion = (correlationId: number): Buffer[] => {
  const { key, minVersion, maxVersion } = apis.apiVersions;
  return encodeResponse(apis.apiVersions, 0, correlationId, {
    errorCode: errorCodes.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: key, minVersion, maxVersion }],
  });
};
