// Waits as many milliseconds as told, either for a reply that never comes or just so; prints the
// CPU time it took.
import { ICMP_FILTER, SOL_RAW } from "../../../src/ffi/constants.ts";
import { openReactor } from "../../../src/ffi/reactor.ts";
import { libc, openRaw, request } from "./common.ts";

const [mode, milliseconds] = process.argv.slice(2);
// Both load the same code and send the same packet, so that only the wait differs.
const socket = openRaw();
socket.setOption(SOL_RAW, ICMP_FILTER, new Uint8Array(4).fill(0xff));
let woken = 0;
if (mode === "watch") {
  const watch = openReactor(libc).watch(socket.fd, () => {
    woken++;
    socket.receive(() => {});
  });
  watch.setActive(true);
}
socket.send(request(1));
await Bun.sleep(100);
const before = process.cpuUsage();
await Bun.sleep(Number(milliseconds));
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ cpuMs: (user + system) / 1000, woken }));
