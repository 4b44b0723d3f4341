import {
  type FakeArrival,
  type FakeErrorOptions,
  type FakeProbe,
  icmpError,
} from "./fake-network.ts";

/** How an error quotes a probe, besides what all errors may do. */
export interface QuotedThroughNat extends FakeErrorOptions {
  /**
   * What a NAT on the way added to the ICMP checksum and did not take back, in one's complement.
   */
  readonly change?: number;
  /** The ICMP checksum that is quoted, instead of one that depends on the probe. */
  readonly checksum?: number;
}

/** A time exceeded about a probe that quotes a checksum which is not the one that was sent. */
export function exceededThroughNat(probe: FakeProbe, options: QuotedThroughNat): FakeArrival {
  return throughNat(probe, { ...options, type: probe.family === 4 ? 11 : 3 });
}

/** The same with another type: host or address unreachable. */
export function unreachableThroughNat(probe: FakeProbe, options: QuotedThroughNat): FakeArrival {
  const [type, code] = probe.family === 4 ? [3, 1] : [1, 3];
  return throughNat(probe, { code, ...options, type });
}

/** By default it quotes 8 bytes of the ICMP message, as RFC 792 demands. */
function throughNat(
  probe: FakeProbe,
  { change = 0x1111, checksum, ...options }: QuotedThroughNat & { readonly type: number },
): FakeArrival {
  const headerLength = probe.family === 4 ? 20 : 40;
  const packet = probe.packet.slice();
  const view = new DataView(packet.buffer);
  const at = headerLength + 2;
  view.setUint16(at, checksum ?? (view.getUint16(at) + change) % 0xffff);
  return icmpError(probe, { quoteLength: headerLength + 8, ...options, packet });
}
