// Starts processes that exit with a watched socket open while a flood arrives; prints their exit
// codes.
import { join } from "node:path";

const children = import.meta.dir;
const flood = Bun.spawn([process.execPath, join(children, "flood.ts"), "30000"]);
const codes: (number | string | null)[] = [];
for (let count = 0; count < Number(process.argv[2]); count++) {
  const child = Bun.spawn([process.execPath, join(children, "reactor.ts"), "natural-exit"], {
    stdout: "ignore",
  });
  await child.exited;
  codes.push(child.signalCode ?? child.exitCode);
}
flood.kill();
await flood.exited;
console.log(JSON.stringify(codes));
