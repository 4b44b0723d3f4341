import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace, type User } from "../lab/namespaces.ts";
import { describeIf } from "../support/requires.ts";
import type { Attempt } from "./children/permission.ts";

setDefaultTimeout(60_000);

const SYSCTL = 'sysctl -w net.ipv4.ping_group_range="65534 65534"';

describeIf(requiresLab(), "permission on a real kernel", () => {
  let lab: Lab;
  let open: Namespace;
  let closed: Namespace;

  beforeAll(async () => {
    lab = new Lab();
    open = lab.add("open");
    closed = lab.add("closed", { pingGroups: false });
    await lab.build();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  for (const target of ["127.0.0.1", "::1"]) {
    test(`${target}: nobody with closed ping groups is refused at once, told what helps, and leaks nothing`, async () => {
      const { auto, raw, datagram } = await attempt(closed, "nobody", target);
      for (const { kind, error, elapsed, descriptors } of [auto, raw, datagram]) {
        expect(kind).toBeNull();
        expect(error).toMatchObject({ name: "RawSocketPermissionError", syscall: "socket" });
        expect(error?.code).toMatch(/^(EPERM|EACCES)$/);
        // At once: without waiting for any timeout, of which the shortest is 1 s.
        expect(elapsed).toBeLessThan(900);
        expect(descriptors[1]).toBe(descriptors[0]);
      }
      expect(auto.error?.message).toContain(SYSCTL);
      for (const { error } of [auto, raw]) {
        // This nobody cannot gain it, so setcap(8) would only break Bun.
        expect(error?.message).toContain("CAP_NET_RAW is outside the bounding set");
        expect(error?.message).not.toContain("setcap");
        expect(error?.message).toContain("docker run --cap-add NET_RAW --user 0 ...");
      }
      expect(datagram.error?.message).toContain(SYSCTL);
    });

    test(`${target}: nobody with open ping groups gets a datagram socket, and a raw one never`, async () => {
      const { auto, raw, datagram } = await attempt(open, "nobody", target);
      expect(raw).toMatchObject({ kind: null, error: { name: "RawSocketPermissionError" } });
      expect(raw.error?.message).toContain('leave out "privileged: true"');
      for (const { kind, hasWholeHeader, descriptors } of [auto, datagram]) {
        expect([kind, hasWholeHeader]).toEqual(["reply", false]);
        expect(descriptors[1]).toBe(descriptors[0]);
      }
    });

    test(`${target}: root gets a raw socket, or a datagram one if it asks and its group may`, async () => {
      const isIpv4 = target === "127.0.0.1";
      const permitted = await attempt(open, "root", target);
      expect([permitted.auto.kind, permitted.auto.hasWholeHeader]).toEqual(["reply", isIpv4]);
      expect([permitted.raw.kind, permitted.raw.hasWholeHeader]).toEqual(["reply", isIpv4]);
      expect([permitted.datagram.kind, permitted.datagram.hasWholeHeader]).toEqual([
        "reply",
        false,
      ]);
      const refused = await attempt(closed, "root", target);
      expect(refused.auto.kind).toBe("reply");
      expect(refused.datagram).toMatchObject({
        kind: null,
        error: { name: "RawSocketPermissionError" },
      });
      expect(refused.datagram.error?.message).toContain(
        'sysctl -w net.ipv4.ping_group_range="0 0"',
      );
      expect(refused.datagram.error?.message).toContain('leave out "privileged: false"');
    });
  }
});

async function attempt(namespace: Namespace, as: User, target: string) {
  const lines = (await namespace.run(
    "permission.ts",
    { target, attempts: 50 },
    { as },
  )) as Attempt[];
  const [auto, raw, datagram] = lines;
  if (auto === undefined || raw === undefined || datagram === undefined)
    throw new Error("Too few lines");
  return { auto, raw, datagram };
}
