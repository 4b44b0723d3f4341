/** Base of every error this library throws for a reason of its own. Never thrown itself. */
export class IcmpxError extends Error {
  override name = "IcmpxError";
  /** A stable, upper-case identifier of the failure, such as `"ENETUNREACH"` or `"ERR_PACKET"`. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Details of a failed libc call: the same field names as Node's own system errors. */
export interface SystemErrorDetails {
  /** The positive errno value, e.g. 113. */
  readonly errno: number;
  /** Its symbolic name, e.g. `"EHOSTUNREACH"`. */
  readonly code: `E${string}`;
  /** The libc function that failed, e.g. `"sendto"`. */
  readonly syscall: string;
  /** The address the call was about, when it was about one. */
  readonly address?: string;
}

/** A libc call returned -1 (errno(3)). */
export class SystemError extends IcmpxError {
  override name = "SystemError";
  /** The symbolic name of the errno value, e.g. `"EHOSTUNREACH"`. */
  declare readonly code: `E${string}`;
  /** The positive errno value. */
  readonly errno: number;
  /** The libc function that failed. */
  readonly syscall: string;
  /** The address the call was about, if any. */
  readonly address: string | undefined;

  constructor(message: string, details: SystemErrorDetails, options?: ErrorOptions) {
    super(message, details.code, options);
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.address = details.address;
  }
}

/** Something to do about a kind of socket that is denied. */
export interface Remedy {
  /** The kind of socket that it allows. */
  readonly opens: "raw" | "datagram";
  /** What it allows, to whom, and where to run it if not here. */
  readonly summary: string;
  /** A shell command, or lines of a unit or manifest. */
  readonly command: string;
}

/**
 * This process may open neither a raw nor a datagram ICMP socket, or not the kind that was asked
 * for. The message has the narrowest remedies that can work for this process.
 */
export class RawSocketPermissionError extends SystemError {
  override name = "RawSocketPermissionError";
  /** All remedies that can work, the narrowest first. */
  readonly remedies: readonly Remedy[];

  constructor(
    message: string,
    details: SystemErrorDetails,
    remedies: readonly Remedy[] = [],
    options?: ErrorOptions,
  ) {
    super(message, details, options);
    this.remedies = remedies;
  }
}

/** Bytes that do not decode (or a value that does not encode) as the packet they should be. */
export class PacketError extends IcmpxError {
  override name = "PacketError";
  /** The header or message concerned, e.g. `"UDP header"`. */
  readonly layer: string;
  /** Byte offset, from the start of that layer, at which decoding gave up. */
  readonly offset: number;

  constructor(
    message: string,
    details: { readonly layer: string; readonly offset: number },
    options?: ErrorOptions,
  ) {
    super(message, "ERR_PACKET", options);
    this.layer = details.layer;
    this.offset = details.offset;
  }
}

/**
 * A host name has no address of the wanted family, or could not be looked up; `cause` holds why.
 */
export class ResolveError extends IcmpxError {
  override name = "ResolveError";
  /** The name that was looked up. */
  readonly host: string;

  constructor(
    message: string,
    details: { readonly host: string; readonly code: string },
    options?: ErrorOptions,
  ) {
    super(message, details.code, options);
    this.host = details.host;
  }
}

/**
 * No probe can reach a target the way that is asked for: its zone, `source` and `interface` exclude
 * each other, or do not tell the interface that a link-local address needs.
 */
export class RouteError extends IcmpxError {
  override name = "RouteError";
  /** The target as it was given. */
  readonly host: string;

  constructor(
    message: string,
    details: { readonly host: string; readonly code: string },
    options?: ErrorOptions,
  ) {
    super(message, details.code, options);
    this.host = details.host;
  }
}

/**
 * Opening a socket on a platform other than Linux, or where Bun cannot call the C library because
 * its JIT is off. The packet codecs work everywhere.
 */
export class UnsupportedPlatformError extends IcmpxError {
  override name = "UnsupportedPlatformError";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "ERR_UNSUPPORTED_PLATFORM", options);
  }
}

/** The client was closed while this measurement ran, or before it began. */
export class ClientClosedError extends IcmpxError {
  override name = "ClientClosedError";

  constructor(message = "The client is closed", options?: ErrorOptions) {
    super(message, "ERR_CLIENT_CLOSED", options);
  }
}
