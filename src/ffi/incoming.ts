import { decodeControl } from "./cmsg.ts";
import { MSG_TRUNC, MSGHDR } from "./constants.ts";
import type { IncomingMessage } from "./message.ts";
import type { MessageBatch } from "./msghdr.ts";
import { decodeSocketAddress } from "./sockaddr.ts";

const NO_DATA = new Uint8Array(0);

/**
 * Message `index` of a batch that recvmmsg() has filled.
 *
 * @param epochSeconds what `timestampNs` counts from.
 */
export function decodeIncoming(
  batch: MessageBatch,
  index: number,
  epochSeconds: number,
): IncomingMessage {
  const { view } = batch;
  const header = batch.headerOffset(index);
  const length = Math.min(batch.messageLength(index), batch.dataLength);
  const nameLength = view.getUint32(header + MSGHDR.nameLength, true);
  const region = {
    offset: batch.controlOffset(index),
    length: view.getUint32(header + MSGHDR.controlLength, true),
    epochSeconds,
  };
  // One object with all fields from the start: spreading the control values into it would cost more
  // than reading them.
  return decodeControl(view, region, {
    // Transmit stamps have none, and there is one for each probe.
    data: length === 0 ? NO_DATA : new Uint8Array(view.buffer, batch.dataOffset(index), length),
    truncated: (view.getUint32(header + MSGHDR.flags, true) & MSG_TRUNC) !== 0,
    source: decodeSocketAddress(view, batch.nameOffset(index), nameLength),
    destination: undefined,
    interfaceIndex: undefined,
    ttl: undefined,
    tos: undefined,
    timestampNs: undefined,
    error: undefined,
    overflow: undefined,
  });
}
