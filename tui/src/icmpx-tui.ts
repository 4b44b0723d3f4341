#!/usr/bin/env bun
/** The oldest Bun that the renderer runs on: `engines` in package.json. */
const BUN = "1.3.14";

// Started by Node or an older Bun, it must get as far as saying so: nothing that they may not
// understand is imported before.
const { bun } = process.versions;
if (bun === undefined)
  leave("needs Bun, not Node: install it from https://bun.com, then run `bunx icmpx`");
// The first releases of Bun have no `Bun.semver`.
if ((Bun.semver?.order(bun, BUN) ?? -1) < 0)
  leave(`needs Bun ${BUN} or newer, not ${bun}: run \`bun upgrade\``);
// Not awaited: while a module waits at its top level, Bun does not end after an error that nobody
// caught.
void import("./main.ts")
  .then(({ main }) => main({ args: process.argv.slice(2) }))
  .then((code) => process.exit(code));

function leave(complaint: string): never {
  process.stderr.write(`icmpx-tui: ${complaint}\n`);
  process.exit(2);
}

export {};
