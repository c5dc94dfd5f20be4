/**
 * AlterConfigs: replaces all settings of topics and brokers (KIP-133); see config/alterations.ts.
 */
import { apis } from '../../protocol/apis.ts';
import { alterConfigs } from '../config/alterations.ts';
import { handler } from './handler.ts';

export const alterConfigsHandler = handler(apis.alterConfigs, async (services, request) => ({
  throttleTimeMs: 0,
  responses: await alterConfigs(services, request.resources, {
    isIncremental: false,
    validateOnly: request.validateOnly,
  }),
}));
