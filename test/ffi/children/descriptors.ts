// 10,000 sockets opened, used and closed, a thousand at a time; then as many that cannot be opened.
import { readdirSync } from "node:fs";
import { AF_INET, SOCK_RAW } from "../../../src/ffi/constants.ts";
import { openReactor } from "../../../src/ffi/reactor.ts";
import { Socket } from "../../../src/ffi/socket.ts";
import { libc, openRaw, request } from "./common.ts";

const reactor = openReactor(libc);
round(10);
// Bun opens descriptors of its own when timers first run.
await Bun.sleep(10);
const before = readdirSync("/proc/self/fd").length;
const memory = process.memoryUsage.rss();
for (let count = 0; count < 10; count++) round(1000);
let refused = 0;
for (let count = 0; count < 1000; count++) {
  try {
    Socket.open(libc, { domain: AF_INET, type: SOCK_RAW, protocol: 999 });
  } catch {
    refused++;
  }
}
await Bun.sleep(10);
const leaked = readdirSync("/proc/self/fd").length - before;
const grownMiB = (process.memoryUsage.rss() - memory) / 2 ** 20;
console.log(JSON.stringify({ leaked, refused, grownMiB }));

function round(size: number): void {
  const opened = Array.from({ length: size }, () => {
    const socket = openRaw();
    const watch = reactor.watch(socket.fd, () => socket.receive(() => {}));
    return { socket, watch };
  });
  opened[0]?.socket.send(request(1));
  opened.at(-1)?.socket.receive(() => {});
  for (const { socket, watch } of opened) {
    watch.close();
    socket.close();
  }
}
