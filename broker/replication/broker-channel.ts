/** A connection to another broker, as the replication layer needs it; network/request-channel.ts provides it. */
import type { Api, RequestInput, ResponseOutput } from '../../protocol/apis.ts';

export interface BrokerChannel {
  /** Rejects when the connection can't be made, breaks, or does not answer within `timeoutMs`. */
  send<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options?: { readonly version?: number; readonly timeoutMs?: number },
  ): Promise<ResponseOutput<A>>;
  /** Gives up what is under way, without an answer; the next request goes over a new connection. */
  interrupt(): void;
  close(): void;
}

export interface BrokerAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** Makes a channel; the connection is dialled with the first request and anew after a failure. */
export type OpenBrokerChannel = (
  address: BrokerAddress,
  options: { readonly clientId: string; readonly requestTimeoutMs: number },
) => BrokerChannel;
