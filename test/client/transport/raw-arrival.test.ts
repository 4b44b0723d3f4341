import { expect, test } from "bun:test";
import { decodeRaw } from "../../../src/client/transport/raw-arrival.ts";
import { PacketError } from "../../../src/errors.ts";

test("refuses a packet whose total length is less than its header", () => {
  const data = new Uint8Array(68);
  // A header of 60 bytes in a packet of 20.
  data.set([0x4f, 0, 0, 20]);
  const incoming = {
    data,
    truncated: false,
    source: { address: "198.51.100.1" },
    destination: undefined,
    interfaceIndex: undefined,
    ttl: undefined,
    tos: undefined,
    timestampNs: undefined,
    error: undefined,
    overflow: undefined,
  };
  expect(() => decodeRaw(4, incoming)).toThrow(PacketError);
});
