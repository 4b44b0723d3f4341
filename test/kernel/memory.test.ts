import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { Lab, type Namespace } from "../lab/namespaces.ts";
import { describeIf } from "../support/requires.ts";
import type { DescriptorReport } from "./children/descriptors.ts";
import type { FloodInput, FloodReport } from "./children/flood.ts";

setDefaultTimeout(120_000);

/** For each of the four kinds of socket: more than there are sequence numbers. */
const REQUESTS = 70_000;
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

  test(`${REQUESTS} echoes on each kind of socket with garbage collected in between: no crash, no wrong reply`, async () => {
    const reports = await Promise.all(
      SOCKET_KINDS.map(async ({ family, privileged, as }) => {
        const target = family === 4 ? "127.0.0.1" : "::1";
        const input: FloodInput = { target, requests: REQUESTS, privileged };
        return (await host.run("flood.ts", input, { as })) as FloodReport[];
      }),
    );
    for (const [report] of reports) {
      expect(report).toMatchObject({ answered: REQUESTS, wrong: 0, others: {} });
      expect(report?.collections).toBeGreaterThan(REQUESTS / 1000);
    }
  });

  test(`${CLIENTS} clients opened and closed leave no descriptor`, async () => {
    const [report] = (await host.run("descriptors.ts", { clients: CLIENTS })) as DescriptorReport[];
    expect(report?.answered).toBe(CLIENTS);
    expect(report?.after).toBe(report?.before as number);
  });
});
