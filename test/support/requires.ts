/**
 * What a test needs from the machine it runs on, and what happens when it is missing: a developer's
 * run skips with the reason printed, a CI run fails, so that a green CI has really run everything.
 *
 * @example
 * ```ts
 * import { test } from "bun:test";
 * import { describeIf, requires } from "../support/requires.ts";
 *
 * describeIf(requires.all(requires.namespaces(), requires.command("tshark")), "router chain", () => {
 *   test("...", () => {});
 * });
 * ```
 *
 * @module
 */
import { describe, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Program, remedyFor } from "./programs.ts";

/** Each is asked once: starting processes takes milliseconds. */
let nobodyAnswer: { readonly reason: SkipReason } | undefined;
let namespacesAnswer: { readonly reason: SkipReason } | undefined;

/** Why a test cannot run here, or `undefined` when it can. */
export type SkipReason = string | undefined;

/** Questions about this machine. Each answers with a reason to skip, or `undefined` to go ahead. */
export const requires: {
  /** The kernel is Linux. */
  linux(): SkipReason;
  /** The process runs as user 0. */
  root(): SkipReason;
  /**
   * Root can start Bun as the user nobody, without capabilities, and that user can read this
   * checkout.
   */
  nobody(): SkipReason;
  /**
   * A network namespace can be made: by root directly, by others inside a user namespace of their
   * own.
   */
  namespaces(): SkipReason;
  /** `/dev/net/tun` exists, for tests that answer as a simulated network. */
  tun(): SkipReason;
  /** The program `name` is on PATH. */
  command(name: Program): SkipReason;
  /** Every one of `reasons` is `undefined`; answers with the first that is not. */
  all(...reasons: readonly SkipReason[]): SkipReason;
} = {
  linux: () =>
    process.platform === "linux" ? undefined : `needs Linux, this is ${process.platform}`,
  root: () => (process.getuid?.() === 0 ? undefined : "needs root (run it with sudo)"),
  nobody: nobodyReason,
  namespaces: namespacesReason,
  tun: () =>
    succeeds(["test", "-c", "/dev/net/tun"])
      ? undefined
      : "needs /dev/net/tun (modprobe tun; for a container: --device /dev/net/tun)",
  command: (name) =>
    Bun.which(name) === null ? `needs the command ${name}${remedyFor(name)}` : undefined,
  all: (...reasons) => reasons.find((reason) => reason !== undefined),
};

/**
 * A `describe` that runs only when `reason` is `undefined`.
 *
 * Otherwise `body` is not called at all, so it may use freely what is missing; in its place stands
 * one test that is skipped, or that fails when the environment variable `CI` is set.
 */
export function describeIf(reason: SkipReason, name: string, body: () => void): void {
  if (reason === undefined) {
    describe(name, body);
    return;
  }
  if (process.env["CI"]) {
    test(name, () => {
      throw new Error(`Cannot skip "${name}" under CI: ${reason}`);
    });
    return;
  }
  console.warn(`skipped: ${name}: ${reason}`);
  // scripts/setup-and-check.ts names them once more at its end.
  const { ICMPX_UNTESTED: list } = process.env;
  if (list) appendFileSync(list, `${reason}\t${name}\n`);
  test.skip(`${name}: ${reason}`, () => {});
}

function nobodyReason(): SkipReason {
  nobodyAnswer ??= {
    reason: requires.all(requires.root(), requires.command("setpriv")) ?? tryNobody(),
  };
  return nobodyAnswer.reason;
}

function tryNobody(): SkipReason {
  const program = `await Bun.file(${JSON.stringify(import.meta.path)}).text()`;
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
  return succeeds([...nobody, process.execPath, "-e", program])
    ? undefined
    : `needs a checkout that the user nobody can read (${resolve(import.meta.dir, "../..")}: bun run setup-and-check shows it elsewhere)`;
}

function namespacesReason(): SkipReason {
  namespacesAnswer ??= { reason: tryNamespaces() };
  return namespacesAnswer.reason;
}

function tryNamespaces(): SkipReason {
  for (const name of ["unshare", "ip"] as const) {
    const reason = requires.command(name);
    if (reason !== undefined) return reason;
  }
  const flags = process.getuid?.() === 0 ? "-n" : "-Urn";
  return succeeds(["unshare", flags, "ip", "link", "set", "lo", "up"])
    ? undefined
    : `needs network namespaces (unshare ${flags} was refused: run it as root; in a container, with --privileged)`;
}

function succeeds(command: string[]): boolean {
  return Bun.spawnSync(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).success;
}
