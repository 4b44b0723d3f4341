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
   * Root can start Bun as the user nobody, without capabilities, and that user can read this checkout.
   * (Not so with a checkout below /root, or with npx's copy of Bun there.)
   */
  nobody(): SkipReason;
  /** A network namespace can be made: by root directly, by others inside a user namespace of their own. */
  namespaces(): SkipReason;
  /** `/dev/net/tun` exists, for tests that answer as a simulated network. */
  tun(): SkipReason;
  /** The program `name` is on PATH. */
  command(name: string): SkipReason;
  /** Every one of `reasons` is `undefined`; answers with the first that is not. */
  all(...reasons: readonly SkipReason[]): SkipReason;
} = {
  linux: () => (process.platform === "linux" ? undefined : `needs Linux, this is ${process.platform}`),
  root: () => (process.getuid?.() === 0 ? undefined : "needs root"),
  nobody: nobodyReason,
  namespaces: namespacesReason,
  tun: () => (succeeds(["test", "-c", "/dev/net/tun"]) ? undefined : "needs /dev/net/tun"),
  command: (name) => (Bun.which(name) === null ? `needs the command ${name}` : undefined),
  all: (...reasons) => reasons.find((reason) => reason !== undefined),
};

/**
 * A `describe` that runs only when `reason` is `undefined`.
 *
 * Otherwise `body` is not called at all, so it may use freely what is missing; in its place stands one
 * test that is skipped, or that fails when the environment variable `CI` is set.
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
  test.skip(`${name}: ${reason}`, () => {});
}

function nobodyReason(): SkipReason {
  nobodyAnswer ??= { reason: requires.all(requires.root(), requires.command("setpriv")) ?? tryNobody() };
  return nobodyAnswer.reason;
}

function tryNobody(): SkipReason {
  const program = `await Bun.file(${JSON.stringify(import.meta.path)}).text()`;
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
  return succeeds([...nobody, process.execPath, "-e", program])
    ? undefined
    : `needs a Bun and a checkout that the user nobody can read (${process.execPath}, ${import.meta.dir})`;
}

function namespacesReason(): SkipReason {
  namespacesAnswer ??= { reason: tryNamespaces() };
  return namespacesAnswer.reason;
}

function tryNamespaces(): SkipReason {
  for (const name of ["unshare", "ip"]) {
    if (Bun.which(name) === null) return `needs the command ${name}`;
  }
  const flags = process.getuid?.() === 0 ? "-n" : "-Urn";
  return succeeds(["unshare", flags, "ip", "link", "set", "lo", "up"])
    ? undefined
    : `needs network namespaces (unshare ${flags} was refused)`;
}

function succeeds(command: string[]): boolean {
  return Bun.spawnSync(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).success;
}
