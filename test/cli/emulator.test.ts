import { expect, setDefaultTimeout, test } from "bun:test";
import type { Diagnosis } from "../../src/cli/diagnosis.ts";
import { describeIf, requires } from "../support/requires.ts";
import { type CliOutcome, ENTRY } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const LACK = "without SO_TIMESTAMPING (ENOPROTOOPT): RTTs include the time it takes to send";

// A real system that lacks something: qemu's emulation of system calls knows no SO_TIMESTAMPING.
// It runs the Bun of this machine, so that must be one for its processor.
if (process.arch === "x64") {
  describeIf(
    requires.all(requires.linux(), requires.root(), requires.command("qemu-x86_64")),
    "icmpx under an emulator",
    () => {
      test("ping gets its answer, and tells with -v what lacks", async () => {
        const { code, stdout, stderr } = await emulate(
          "ping",
          "-c",
          "1",
          "-W",
          "20",
          "-v",
          "127.0.0.1",
        );
        expect({ code, stderr }).toEqual({ code: 0, stderr: `icmpx: raw IPv4 socket: ${LACK}\n` });
        expect(stdout).toContain("1 packets transmitted, 1 received, 0% packet loss");
      });

      test("doctor opens sockets, and tells what lacks", async () => {
        const text = await emulate("doctor");
        expect({ ...text, stdout: "" }).toEqual({ code: 0, stdout: "", stderr: "" });
        expect(text.stdout).toMatch(
          /^raw IPv4 +opens, .*\n {2}without SO_TIMESTAMPING \(ENOPROTOOPT\): /m,
        );
        const { sockets } = JSON.parse((await emulate("doctor", "--json")).stdout) as Diagnosis;
        const raw = sockets.find(({ kind, family }) => kind === "raw" && family === 4);
        expect(raw?.missing.map(({ name, code }) => `${name} ${code}`)).toEqual([
          "SO_TIMESTAMPING ENOPROTOOPT",
        ]);
      });
    },
  );
} else {
  test.skip(`icmpx under an emulator: needs x64, this is ${process.arch}`, () => {});
}

async function emulate(...args: string[]): Promise<CliOutcome> {
  const child = Bun.spawn(["qemu-x86_64", process.execPath, ENTRY, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
