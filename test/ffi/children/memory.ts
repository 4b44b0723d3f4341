// 100,000 echoes on loopback, the collector running all the while; every reply is compared with its
// request.
import { ICMP_FILTER, SO_RCVBUF, SOL_RAW, SOL_SOCKET } from "../../../src/ffi/constants.ts";
import { libc, openRaw, request } from "./common.ts";

const TOTAL = 100_000;
const BATCH = 100;

let socket = openRaw();
const seen = new Uint8Array(TOTAL);
let wrong = 0;
prepare();
for (let start = 0; start < TOTAL; start += BATCH) {
  const messages = Array.from({ length: BATCH }, (_, index) =>
    request(start + index, 1 + ((start + index) % 300)),
  );
  for (let sent = 0; sent < BATCH; ) sent += socket.sendBatch(messages.slice(sent));
  Bun.gc(true);
  // Garbage of the arenas' own sizes, to land where a freed one was.
  for (let count = 0; count < 4; count++) new Uint8Array(1 << (12 + count)).fill(0xee);
  socket.receive(({ data }) => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const number = view.getUint32(28);
    const words = 1 + (number % 300);
    if (data.length !== 28 + 4 * words || view.getUint32(24 + 4 * words) !== number) wrong++;
    else seen[number] = (seen[number] ?? 0) + 1;
  });
  if (start % (BATCH * 100) === 0) {
    socket.close();
    socket = openRaw();
    prepare();
  }
}
const once = seen.reduce((count, times) => count + (times === 1 ? 1 : 0), 0);
console.log(JSON.stringify({ once, wrong, pid: libc.pid() === process.pid }));

/** Replies only, and room for a whole batch of them. */
function prepare(): void {
  socket.setOption(SOL_RAW, ICMP_FILTER, Uint8Array.of(0xfe, 0xff, 0xff, 0xff));
  socket.setOption(SOL_SOCKET, SO_RCVBUF, 16 << 20);
}
