import { MessageBatch } from "../../ffi/msghdr.ts";
import type { Envelope } from "../../ffi/socket.ts";
import type { MessageLayout, OutgoingProbe } from "./transport.ts";

// TTL, traffic class and packet information: 24, 24 and 40 bytes.
const CONTROL_ROOM = 96;
// Any IPv4 packet, in whole words.
const DATA_ROOM = 65_536;

/**
 * The message of a socket that leaves next, ready for sendmsg(2). What it has in common with the
 * one before stays where it is: of a second probe to the same target only identity and checksum are
 * written.
 */
export class OutgoingMessage {
  readonly batch: MessageBatch = new MessageBatch({
    count: 1,
    controlLength: CONTROL_ROOM,
    dataLength: DATA_ROOM,
  });
  #envelope: Envelope | undefined;
  #layout: MessageLayout | undefined;
  #length = -1;
  #message: Uint8Array | undefined;

  /** The ICMP message that was written last. */
  get message(): Uint8Array {
    const { batch } = this;
    const start = batch.dataOffset(0);
    this.#message ??= batch.bytes.subarray(start, start + this.#length);
    return this.#message;
  }

  write(envelope: Envelope, probe: OutgoingProbe): void {
    const { batch } = this;
    const { message } = probe;
    const dataOffset = batch.dataOffset(0);
    const isSameLength = message.length === this.#length;
    if (envelope !== this.#envelope || !isSameLength) {
      const { name, control } = envelope;
      batch.bytes.set(name, batch.nameOffset(0));
      batch.bytes.set(control, batch.controlOffset(0));
      const data = message.length;
      batch.setForSend(0, { name: name.length, control: control.length, data, dataOffset });
      this.#envelope = envelope;
      if (!isSameLength) this.#message = undefined;
      this.#length = data;
    }
    if (message !== this.#layout) {
      message.layOut(batch.bytes, dataOffset);
      this.#layout = message;
    }
    message.complete(batch.words, dataOffset >> 2, probe);
  }
}
