import { keepBytes, keptPart } from "../hex-bytes.ts";
import type { EchoArrival, ErrorArrival } from "./transport.ts";

/** A copy of an arrival that outlives the kernel receive memory it points into. */
export function keepArrival<Kind extends EchoArrival | ErrorArrival>(arrival: Kind): Kind {
  const raw = keepBytes(arrival.raw);
  const icmp = { ...arrival.icmp, data: keptPart(raw, arrival.raw, arrival.icmp.data) };
  return { ...arrival, icmp, raw };
}

/** The order in which the kernel received; what it did not stamp comes last. */
export function inOrderOfArrival(
  a: EchoArrival | ErrorArrival,
  b: EchoArrival | ErrorArrival,
): number {
  if (a.stampNs === null || b.stampNs === null)
    return Number(a.stampNs === null) - Number(b.stampNs === null);
  return a.stampNs - b.stampNs;
}
