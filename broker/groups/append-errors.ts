/** What a failed append to __consumer_offsets means to the client whose request caused it. */
import { errorCodes } from '../../protocol/errors.ts';

const toCoordinatorError = (errorCode: number): number => {
  switch (errorCode) {
    case errorCodes.UNKNOWN_TOPIC_OR_PARTITION:
    case errorCodes.NOT_ENOUGH_REPLICAS:
    case errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return errorCodes.COORDINATOR_NOT_AVAILABLE;
    case errorCodes.NOT_LEADER_OR_FOLLOWER:
    case errorCodes.KAFKA_STORAGE_ERROR:
      return errorCodes.NOT_COORDINATOR;
    default:
      return errorCode;
  }
};

const isTooLarge = (errorCode: number): boolean =>
  errorCode === errorCodes.MESSAGE_TOO_LARGE ||
  errorCode === errorCodes.RECORD_LIST_TOO_LARGE ||
  errorCode === errorCodes.INVALID_FETCH_SIZE;

/** For SyncGroup and static members that join again: a timeout makes them try again. */
export const groupStoreError = (errorCode: number): number => {
  if (errorCode === errorCodes.REQUEST_TIMED_OUT) return errorCodes.REBALANCE_IN_PROGRESS;
  if (isTooLarge(errorCode)) return errorCodes.UNKNOWN_SERVER_ERROR;
  return toCoordinatorError(errorCode);
};

/** For OffsetCommit. */
export const offsetCommitError = (errorCode: number): number =>
  isTooLarge(errorCode) ? errorCodes.INVALID_COMMIT_OFFSET_SIZE : toCoordinatorError(errorCode);
