import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../support/lab/kinds.ts";
import { Lab, type Namespace } from "../support/lab/namespaces.ts";
import { describeIf } from "../support/requires.ts";
import type { DescriptorReport } from "./drivers/descriptors.ts";
import type { FloodInput, FloodReport } from "./drivers/flood.ts";

setDefaultTimeout(120_000);

const REQUESTS = 100_000;
const CLIENTS = 10_000;

describeIf(requiresLab(), "memory and descriptors on a real kernel", () => {
  let lab: Lab;
  let host: Namespace;

  beforeAll(async () => {
    lab = new Lab();
    host = lab.add("host");
    await lab.build();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test(`${REQUESTS} echoes with garbage collected in between: no crash, no wrong reply`, async () => {
    const share = REQUESTS / SOCKET_KINDS.length;
    const reports = await Promise.all(
      SOCKET_KINDS.map(async ({ family, privileged, as }) => {
        const target = family === 4 ? "127.0.0.1" : "::1";
        const input: FloodInput = { target, requests: share, privileged };
        return (await host.run("flood.ts", input, { as })) as FloodReport[];
      }),
    );
    for (const [report] of reports) {
      expect(report).toMatchObject({ answered: share, wrong: 0, others: {} });
      expect(report?.collections).toBeGreaterThan(share / 1000);
    }
  });

  test(`${CLIENTS} clients opened and closed leave no descriptor`, async () => {
    const [report] = (await host.run("descriptors.ts", { clients: CLIENTS })) as DescriptorReport[];
    expect(report?.answered).toBe(CLIENTS);
    expect(report?.after).toBe(report?.before as number);
  });
});
