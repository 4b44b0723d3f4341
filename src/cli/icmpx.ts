#!/usr/bin/env bun
// Started by Node, it must get as far as saying so: nothing that needs Bun is imported before.
if (process.versions["bun"] === undefined) {
  process.stderr.write(
    "icmpx: needs Bun, not Node: install it from https://bun.com, then run `bunx icmpx`\n",
  );
  process.exit(2);
}
// Not awaited: while a module waits at its top level, Bun does not end after an error that nobody caught.
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

export {};
