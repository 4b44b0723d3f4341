import type { Reply } from "../transport/reply.ts";
import type {
  ErrorArrival,
  MessageLayout,
  ProbeIdentity,
  QuotedProbe,
} from "../transport/transport.ts";

/** What the data of a reply say about whose probe it answers. */
export type Likeness =
  /** Ours, as it was sent. */
  | "same"
  /** Ours, with other data than were sent. */
  | "altered"
  /** Another's, or forged. */
  | "foreign";

/** What the data that an ICMP error quotes prove. */
export type Proof =
  /** Its sender saw the probe. */
  | "proven"
  /** Nothing: what it quotes agrees, but may be guessed. */
  | "unproven"
  /** It is about another's packet, or forged. */
  | "foreign";

/**
 * What the probes of a stream ask: their message, and how answers to it are known. Probing itself
 * knows no kind of message: whatever one is like, its answers carry a sequence number, and errors
 * quote it.
 */
export interface Question extends MessageLayout {
  /**
   * Whether answers can be told from forgeries by their data. Without that they must come from the
   * target.
   */
  readonly hasSecret: boolean;
  /** The whole message of one probe, valid until the next call. */
  encode(identity: ProbeIdentity): Uint8Array;
  /**
   * The sequence number of the probe that is answered or quoted; -1 when it is another sender's.
   */
  keyOf(answer: Reply | QuotedProbe, identifier: number): number;
  /** Whether a reply is to this probe, as far as its data tell. */
  isOurs(reply: Reply, identity: ProbeIdentity): Likeness;
  /** Whether data that came back are the beginning of what a probe carried, and not all. */
  isCut(reply: Reply, identity: ProbeIdentity): boolean;
  /** Whether an error is about this probe, as far as the data it quotes tell. */
  isQuoted(quote: QuotedProbe, identity: ProbeIdentity): Proof;
  /**
   * The checksum of a probe as an error may quote it, without the pseudo header and with it;
   * undefined when that is not known.
   */
  checksums(
    error: ErrorArrival,
    destination: string,
    identity: ProbeIdentity,
  ): { readonly own: number; readonly sent: number } | undefined;
}
