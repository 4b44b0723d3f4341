/**
 * Loaded before a program (`bun --preload`): at its end it writes the most memory that it had
 * (proc(5), VmHWM), in kB, to the file that PEAK_FILE names.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";

process.on("exit", () => {
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  writeFileSync(process.env["PEAK_FILE"] ?? "/dev/null", kilobytes ?? "");
});
