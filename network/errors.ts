/** What can go wrong with an outgoing connection, apart from what a response says. */

/** The connection could not be made, or ended before the response came. The request may have been carried out. */
export class ChannelClosed extends Error {
  override readonly name = 'ChannelClosed';
  /** Nobody listens at that address: the dial was refused, so nothing has been carried out. */
  readonly isRefused: boolean;
  /** The request has not been sent, because there was no connection. */
  readonly isUnsent: boolean;

  constructor(
    message: string,
    options: { isRefused?: boolean; isUnsent?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.isRefused = options.isRefused ?? false;
    this.isUnsent = options.isUnsent ?? this.isRefused;
  }
}

/** No response within the request's time; the connection is given up, because its order is lost with it. */
export class RequestTimeout extends Error {
  override readonly name = 'RequestTimeout';
}

/** The peer speaks no version of the API that we speak. Not sent. */
export class UnsupportedVersion extends Error {
  override readonly name = 'UnsupportedVersion';
}
