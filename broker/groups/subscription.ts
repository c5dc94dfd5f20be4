/**
 * The topics that a group's consumers subscribe to, read from the opaque metadata of the `consumer`
 * protocol. Only expiration and OffsetDelete ask for it (KIP-211, KIP-496). Every version of the
 * subscription starts with the version-0 fields.
 */
import { decode } from '../../protocol/compile.ts';
import { consumerProtocolSubscription } from '../../protocol/messages/consumer-protocol.ts';

/** All topics named in the members' metadata; null when one of them cannot be read. */
export const subscribedTopicsIn = (metadata: readonly Buffer[]): ReadonlySet<string> | null => {
  const topics = new Set<string>();
  for (const bytes of metadata) {
    const subscription = parseTopics(bytes);
    if (subscription === null) return null;
    for (const topic of subscription) topics.add(topic);
  }
  return topics;
};

const VERSION_BYTES = 2;

const parseTopics = (metadata: Buffer): readonly string[] | null => {
  try {
    return decode(consumerProtocolSubscription, 0, metadata, VERSION_BYTES).topics;
  } catch {
    // A client may send anything under the name `consumer`; that is its own affair.
    return null;
  }
};
