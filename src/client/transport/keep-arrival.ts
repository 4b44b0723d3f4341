import { keepBytes, keptPart } from "../hex-bytes.ts";
import type { EchoArrival, ErrorArrival } from "./transport.ts";

/** A copy of an arrival that outlives the kernel receive memory it points into. */
export function keepArrival<Kind extends EchoArrival | ErrorArrival>(arrival: Kind): Kind {
  const raw = keepBytes(arrival.raw);
  const icmp = { ...arrival.icmp, data: keptPart(raw, arrival.raw, arrival.icmp.data) };
  return { ...arrival, icmp, raw };
}
