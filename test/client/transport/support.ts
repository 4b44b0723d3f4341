import { EchoQuestion } from "../../../src/client/probing/echo-question.ts";
import type {
  ErrorArrival,
  OutgoingProbe,
  Route,
  SendReceipt,
  Transport,
  TransportOwner,
} from "../../../src/client/transport/transport.ts";

/** What a transport handed over. */
export interface Arrival {
  readonly kind: "stamp" | "echo" | "error";
  readonly stampNs: number | null;
}

/** An owner that notes what it hears. */
export function listener(arrivals: Arrival[], onReady: () => unknown): TransportOwner {
  return {
    onReady,
    awaitsStamps: true,
    awaitsStampOf: () => false,
    onStamp: (_, stampNs) => arrivals.push({ kind: "stamp", stampNs }),
    onReply: ({ stampNs }) => arrivals.push({ kind: "echo", stampNs }),
    onError: (error: ErrorArrival) => arrivals.push(error),
  };
}

/** Sends an echo request with `data` by a route. */
export function send(
  transport: Transport,
  route: Route,
  { ttl, sequence, data }: Pick<OutgoingProbe, "ttl" | "sequence"> & { readonly data: Uint8Array },
): SendReceipt & { readonly message: Uint8Array } {
  const { family, identifier } = transport;
  const message = new EchoQuestion({ family, content: data, nonce: data, flow: 1 });
  const probe = { identifier, sequence, number: 0, route, ttl, message, isHeld: false };
  return { ...transport.send(probe), message: message.encode(probe) };
}
