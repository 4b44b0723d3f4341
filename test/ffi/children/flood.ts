// Sends loopback packets from a process of its own for as many milliseconds as told.
import { openRaw, requests } from "./common.ts";

const socket = openRaw();
const messages = requests(10);
const end = performance.now() + Number(process.argv[2]);
while (performance.now() < end) {
  socket.sendBatch(messages);
  await Bun.sleep(1);
}
