import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { EchoResult } from "../../src/client/results/results.ts";
import {
  echoReply,
  type FakeArrival,
  type FakeProbe,
  icmpError,
  packetTooBig,
  timeExceeded,
  unreachable,
} from "../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../support/fake-platform.ts";
import { mutate, objectionTo, randomFrom } from "./mutation.ts";

setDefaultTimeout(120_000);

/** For each of the four kinds of socket. */
const PACKETS = 250_000;
const BATCH = 500;
/** How many in a row are made of answers to the same probe. */
const PER_PROBE = 25;
const SEED = 0x1c3b;

/** An RFC 4884 structure with an MPLS object (RFC 4950), its checksum left out. */
const EXTENSIONS = Uint8Array.of(0x20, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0x11, 0xff);

/** Everything that may answer a probe, intact. */
function answers(probe: FakeProbe, from: string): readonly FakeArrival[] {
  const isV4 = probe.family === 4;
  const common = { from, delayMs: 0 };
  return [
    echoReply(probe, { delayMs: 0 }),
    timeExceeded(probe, common),
    timeExceeded(probe, { ...common, extensions: EXTENSIONS }),
    timeExceeded(probe, { ...common, quoteLength: isV4 ? 28 : 48 }),
    unreachable(probe, common),
    unreachable(probe, { ...common, extensions: EXTENSIONS }),
    packetTooBig(probe, { ...common, mtu: 1280 }),
    icmpError(probe, { ...common, type: isV4 ? 12 : 4, word: isV4 ? 0x14000000 : 40 }),
    icmpError(probe, { ...common, type: isV4 ? 5 : 137, code: 1 }),
  ];
}

describe("a live client under mutated packets", () => {
  for (const { name, family, target, router, stranger, privileged } of SOCKET_KINDS) {
    test(`${name}: ${PACKETS} of them raise nothing, and nothing passes that is not its own`, async () => {
      const random = randomFrom(SEED + family + (privileged ? 100 : 0));
      // A probe in three is answered; the others fly for a while, then time out, and are
      // remembered.
      const network = (probe: FakeProbe) =>
        probe.index % 3 === 0 || probe.destination === stranger
          ? [echoReply(probe, { delayMs: 1 })]
          : [];
      const { clock, kernel, platform } = fakePlatform({ network, queueLimit: BATCH });
      const client = new Client({ privileged, timeout: 50 }, platform);
      const objections: string[] = [];
      const kinds: Record<string, number> = {};
      const onResult = (result: EchoResult): void => {
        const objection = objectionTo(result);
        if (objection !== undefined) objections.push(objection);
        const kind = result.kind === "reply" && result.corrupt ? "corrupt" : result.kind;
        kinds[kind] = (kinds[kind] ?? 0) + 1;
      };
      const controller = new AbortController();
      const run = client.ping(target, {
        count: Number.POSITIVE_INFINITY,
        // Of the answers to one probe, few become results: there must be many probes.
        interval: 1,
        signal: controller.signal,
        onResult,
      });
      const ended = run.then(
        () => undefined,
        (error: unknown) => error,
      );
      await clock.advance(20);

      for (let done = 0; done < PACKETS; done += BATCH) {
        await clock.advance(5);
        let originals: readonly FakeArrival[] = [];
        for (let index = 0; index < BATCH; index += 1) {
          if (index % PER_PROBE === 0) {
            const probe = kernel.sent.at(-1 - (random() % Math.min(20, kernel.sent.length)));
            if (probe === undefined) throw new Error("Nothing was sent");
            originals = answers(probe, random() % 4 === 0 ? stranger : router);
          }
          const original = originals[random() % originals.length] as FakeArrival;
          const other = originals[random() % originals.length] as FakeArrival;
          const icmp = mutate(original.icmp, other.icmp, random);
          // Mostly with a checksum that is right, or none would get anywhere.
          kernel.inject({ ...original, icmp, keepChecksum: random() % 8 === 0, family });
        }
        // Kernel timers only: all of the batch arrives before the client has a turn.
        clock.block(0);
        await clock.advance(0);
        // The fake remembers all that was ever sent and called.
        kernel.calls.length = 0;
        if (kernel.sent.length > 100) kernel.sent.splice(0, kernel.sent.length - 50);
      }

      expect(objections).toEqual([]);
      // Some faults are in what does not matter: those answers are its own, and the rest of the run
      // is not.
      expect(kinds["reply"]).toBeGreaterThan(PACKETS / BATCH / 3);
      expect(kinds["icmpError"]).toBeGreaterThan(0);
      expect(kinds["corrupt"]).toBeGreaterThan(0);
      const accepted = Object.values(kinds).reduce((sum, count) => sum + count, 0);
      expect(accepted).toBeLessThan(PACKETS / 2);

      await clock.advance(100);
      const probe = await clock.runUntil(client.probe(stranger));
      expect(probe).toMatchObject({ kind: "reply", corrupt: false, reply: { addr: stranger } });
      controller.abort(new Error("enough"));
      expect(await ended).toMatchObject({ message: "enough" });
      client.close();
      expect(kernel.openDescriptors).toBe(0);
    });
  }
});
