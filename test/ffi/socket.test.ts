import { describe, expect, test } from "bun:test";
import { Libc } from "../../src/ffi/libc.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel } from "../support/fake-libc.ts";
import {
  type FakeArrival,
  type FakeProbe,
  timeExceeded,
  unreachable,
} from "../support/fake-network.ts";
import { describeIf, requires } from "../support/requires.ts";
import { runInNamespace } from "./namespace.ts";
import { SOCKET_CASES } from "./socket-cases.ts";
import { NETWORK } from "./socket-kinds.ts";

describe("Socket on the fake kernel", () => {
  test.each(SOCKET_CASES.map((each) => [each.name, each] as const))(
    "%s",
    async (_name, { run }) => {
      const clock = new FakeClock();
      const kernel = new FakeKernel(clock, {
        network: answer,
        addresses: [NETWORK.host[4], NETWORK.host[6]],
        stampDelayMs: 0,
      });
      await run({
        libc: new Libc(kernel),
        wait: async (condition) => {
          for (let round = 0; !condition(); round++) {
            if (round === 2000) throw new Error("Nothing arrived within two fake seconds");
            await clock.advance(1);
          }
        },
      });
      expect(kernel.openDescriptors).toBe(0);
    },
  );
});

describeIf(
  requires.all(requires.linux(), requires.namespaces(), requires.command("nsenter")),
  "Socket on the real kernel",
  () => {
    const child = runInNamespace("socket-cases", { router: true });
    const outcomes: Record<string, string> = child.exitCode === 0 ? JSON.parse(child.stdout) : {};

    test.each(SOCKET_CASES.map(({ name }) => name))("%s", (name) => {
      expect(outcomes[name] ?? child.stderr).toBe("passed");
    });
  },
);

function answer(probe: FakeProbe): FakeArrival[] {
  const from = NETWORK.router[probe.family];
  const common = { from, delayMs: 1, ttl: 64 };
  if (probe.ttl === 1) return [timeExceeded(probe, common)];
  if (probe.destination !== NETWORK.closed[probe.family]) return [];
  return [unreachable(probe, { ...common, code: probe.family === 4 ? 1 : 0 })];
}
