#!/usr/bin/env bun
// Started by Node, it must get as far as saying so: nothing that needs Bun is imported before.
if (process.versions["bun"] === undefined) {
  process.stderr.write(
    "icmpx-tui: needs Bun, not Node: install it from https://bun.com, then run `bunx icmpx`\n",
  );
  process.exit(2);
}
// Not awaited: while a module waits at its top level, Bun does not end after an error that nobody caught.
void import("./main.ts")
  .then(({ main }) => main({ args: process.argv.slice(2) }))
  .then((code) => process.exit(code));

export {};
