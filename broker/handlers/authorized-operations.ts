/**
 * The operations that a response lists when asked to (KIP-430), as a bit per operation code.
 * Without an authorizer everybody may do everything that a resource knows.
 */

export const NOT_REQUESTED = -2147483648;

/** READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
export const TOPIC_OPERATIONS = 3576;
/** CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE. */
export const CLUSTER_OPERATIONS = 8096;
