/**
 * The consumer protocol of KIP-848, which brokers in ZooKeeper mode refuse: clients fall back to
 * the classic one.
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

export const consumerGroupHeartbeatHandler = handler(apis.consumerGroupHeartbeat, () => ({
  throttleTimeMs: 0,
  errorCode: errorCodes.UNSUPPORTED_VERSION,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
}));

export const consumerGroupDescribeHandler = handler(
  apis.consumerGroupDescribe,
  (_services, request) => ({
    throttleTimeMs: 0,
    groups: request.groupIds.map((groupId) => ({
      errorCode: errorCodes.UNSUPPORTED_VERSION,
      groupId,
      groupState: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: '',
      members: [],
    })),
  }),
);
