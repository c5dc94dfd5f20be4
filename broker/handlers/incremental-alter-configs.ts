/**
 * IncrementalAlterConfigs: sets, deletes, appends and subtracts settings (KIP-339); see
 * config/alterations.ts.
 */
import { apis } from '../../protocol/apis.ts';
import { alterConfigs } from '../config/alterations.ts';
import { handler } from './handler.ts';

export const incrementalAlterConfigsHandler = handler(
  apis.incrementalAlterConfigs,
  async (services, request) => ({
    throttleTimeMs: 0,
    responses: await alterConfigs(services, request.resources, {
      isIncremental: true,
      validateOnly: request.validateOnly,
    }),
  }),
);
