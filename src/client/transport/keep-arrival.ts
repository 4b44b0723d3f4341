import { keepBytes } from "../hex-bytes.ts";
import type { EchoArrival, ErrorArrival } from "./transport.ts";

/** A copy of an arrival that outlives the kernel receive memory it points into. */
export function keepArrival<Kind extends EchoArrival | ErrorArrival>(arrival: Kind): Kind {
  const icmp = { ...arrival.icmp, data: keepBytes(arrival.icmp.data) };
  return { ...arrival, icmp, raw: keepBytes(arrival.raw) };
}
