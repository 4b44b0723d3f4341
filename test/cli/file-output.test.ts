import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileOutput, isSameFile } from "../../src/cli/file-output.ts";
import { describeIf, requires } from "../support/requires.ts";
import { ENTRY } from "./fake-environment.ts";

setDefaultTimeout(30_000);

/** What fits into a pipe, by default (pipe(7)). */
const CAPACITY = 65_536;

interface Pipe extends Disposable {
  readonly readEnd: number;
  readonly writeEnd: number;
  /** All that is in the pipe now. */
  read(): string;
}

/** A pipe; `flags` are those of the end to write to. */
async function openPipe(flags = 0): Promise<Pipe> {
  const folder = await mkdtemp(join(tmpdir(), "icmpx-output-"));
  const path = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY | flags);
  await rm(folder, { recursive: true });
  const buffer = new Uint8Array(1 << 20);
  return {
    readEnd,
    writeEnd,
    read() {
      try {
        return new TextDecoder().decode(buffer.subarray(0, readSync(readEnd, buffer)));
      } catch {
        return "";
      }
    },
    [Symbol.dispose]() {
      for (const fd of [readEnd, writeEnd]) {
        try {
          closeSync(fd);
        } catch {
          // Closed by the test.
        }
      }
    },
  };
}

function fail(error: Error): void {
  throw error;
}

describeIf(
  requires.all(requires.linux(), requires.command("mkfifo")),
  "FileOutput to a pipe",
  () => {
    for (const [kind, flags] of [
      ["blocks", 0],
      ["does not block", constants.O_NONBLOCK],
    ] as const) {
      test(`that ${kind} keeps all that does not fit, and flushes when the system has it`, async () => {
        using pipe = await openPipe(flags);
        const output = new FileOutput(pipe.writeEnd, fail);
        const lines = Array.from(
          { length: 4000 },
          (_, index) => `${String(index).padStart(99, ".")}\n`,
        );
        for (const line of lines) output.write(line);
        expect(output.isBusy).toBe(true);
        let isFlushed = false;
        const flushed = output.flush().then(() => {
          isFlushed = true;
        });
        // The event loop goes on meanwhile.
        await Bun.sleep(100);
        expect(isFlushed).toBe(false);
        let text = "";
        while (!isFlushed) {
          text += pipe.read();
          await Bun.sleep(1);
        }
        await flushed;
        text += pipe.read();
        expect(text).toBe(lines.join(""));
        expect(output.isBusy).toBe(false);
        output.write("more");
        await output.flush();
        expect(pipe.read()).toBe("more");
      });
    }

    test("tells once when its reader has gone", async () => {
      using pipe = await openPipe();
      const errors: (string | undefined)[] = [];
      const output = new FileOutput(pipe.writeEnd, (error) =>
        errors.push((error as NodeJS.ErrnoException).code),
      );
      closeSync(pipe.readEnd);
      output.write("nobody reads this");
      output.write("nor this");
      while (errors.length === 0) await Bun.sleep(1);
      await Bun.sleep(20);
      expect(errors).toEqual(["EPIPE"]);
    });

    test("has nothing to flush before anything is written, and no size", async () => {
      using pipe = await openPipe();
      const output = new FileOutput(pipe.writeEnd, fail);
      await output.flush();
      output.write("");
      await output.flush();
      expect([output.isTerminal, output.columns, output.rows, output.isBusy]).toEqual([
        false,
        undefined,
        undefined,
        false,
      ]);
      output.onResize()();
      expect(pipe.read()).toBe("");
    });

    test("isSameFile() knows one pipe from another", async () => {
      using one = await openPipe();
      using other = await openPipe();
      expect(isSameFile(one.readEnd, one.writeEnd)).toBe(true);
      expect(isSameFile(one.writeEnd, other.writeEnd)).toBe(false);
    });
  },
);

describe("the command as a process", () => {
  const PACKET = "4500001c87da00003e01dc560a5703020a5701010000bd90426e0001";
  const SHOWN = "IP 10.87.3.2 > 10.87.1.1: ICMP echo reply, id 17006, seq 1, length 8\n";
  const COUNT = 1500;

  function decode(script: string): Bun.SyncSubprocess<"pipe", "pipe"> {
    const operands = Array.from({ length: COUNT }, () => PACKET);
    return Bun.spawnSync(["bash", "-c", script, process.execPath, ENTRY, "decode", ...operands]);
  }

  test("loses nothing of its output to a reader that takes its time", () => {
    expect(SHOWN.length * COUNT).toBeGreaterThan(CAPACITY);
    const { stdout } = decode('"$0" "$@" | (sleep 0.5; cat)');
    expect(stdout.toString() === SHOWN.repeat(COUNT)).toBe(true);
  });

  test("ends quietly when its reader has gone, and not so when a disk is full", () => {
    const gone = decode('"$0" "$@" | head -1; echo $PIPESTATUS');
    expect([gone.stdout.toString(), gone.stderr.toString()]).toEqual([`${SHOWN}141\n`, ""]);
    const full = decode('"$0" "$@" > /dev/full');
    expect(full.exitCode).toBe(2);
    expect(full.stderr.toString()).toMatch(/^icmpx: Cannot write: ENOSPC.*\n$/);
  });

  test("keeps the order of standard output and standard error in one pipe", () => {
    const { stdout, exitCode } = decode('"$0" "$@" nonsense 2>&1');
    expect(exitCode).toBe(2);
    const lines = stdout.toString().split("\n");
    expect(lines).toHaveLength(COUNT + 2);
    expect(lines[COUNT - 1]).toBe(SHOWN.trimEnd());
    expect(lines[COUNT]).toStartWith('icmpx: "nonsense" is no file');
  });
});
