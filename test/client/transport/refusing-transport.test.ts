import { describe, expect, test } from "bun:test";
import { RefusingTransport } from "../../../src/client/transport/refusing-transport.ts";
import { SystemError } from "../../../src/errors.ts";
import { scene } from "../support.ts";

const SIX = "2001:db8:1::1";
const FOREIGN = "2001:db8::99";

describe("a source that an IPv6 datagram socket cannot be bound to", () => {
  test("fails each probe, not the run, and holds no descriptor", async () => {
    const { client, kernel, outcome } = scene({}, { privileged: false, family: 6 });
    const { results, statistics } = await outcome(
      client.ping(SIX, { source: FOREIGN, count: 3, interval: 10 }),
    );
    expect(results.map(({ error }): string | null => error)).toEqual(Array(3).fill("EADDRNOTAVAIL"));
    expect(results[0]).toMatchObject({
      kind: "sendError",
      sendError: { syscall: "bind", message: expect.stringContaining(FOREIGN) },
    });
    expect(statistics).toMatchObject({ sent: 3, lost: 3, sendErrors: 3 });
    expect(kernel.sent).toEqual([]);
    expect(kernel.openDescriptors).toBe(0);
    client.close();
  });

  test("is tried again by the next run", async () => {
    const { client, kernel, outcome } = scene({}, { privileged: false, family: 6 });
    await outcome(client.probe(SIX, { source: FOREIGN }));
    await outcome(client.probe(SIX, { source: FOREIGN }));
    expect(kernel.openedDescriptors).toBe(2);
  });
});

describe("RefusingTransport", () => {
  test("has nothing to read, and refuses every send with the one error", () => {
    const error = new SystemError("bind() failed", { errno: 99, code: "EADDRNOTAVAIL", syscall: "bind" });
    const transport = new RefusingTransport(6, error);
    transport.attach();
    transport.setActive();
    transport.setTold();
    expect(transport.encode()).toBeEmpty();
    expect(transport.drain()).toBe(false);
    transport.drainErrors();
    expect(transport.send()).toEqual({ kind: "failed", error });
    transport.close();
    expect(transport.send()).toEqual({ kind: "failed", error });
  });
});
