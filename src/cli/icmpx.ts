#!/usr/bin/env bun
/** The oldest Bun that the library and the command run on: `engines` in package.json. */
const BUN = "1.2.6";

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
void run();

async function run(): Promise<void> {
  const { main } = await import("./main.ts");
  const { processHost } = await import("./process-host.ts");
  const host = processHost();
  const code = await main(process.argv.slice(2), host);
  await host.flush();
  // Not left to the event loop: a name server that does not answer would keep it waiting.
  process.exit(code);
}

function leave(complaint: string): never {
  process.stderr.write(`icmpx: ${complaint}\n`);
  process.exit(2);
}

export {};
