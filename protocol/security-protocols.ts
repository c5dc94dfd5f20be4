/** What may protect a listener. The protocol counts them in this order; znodes and settings use the names. */
export const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;

export type SecurityProtocol = (typeof securityProtocols)[number];
