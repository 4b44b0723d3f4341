// The reactor inside a Bun Worker: no signal handler can be installed there.
import { openReactor } from "../../../src/ffi/reactor.ts";
import { libc, openRaw, request } from "./common.ts";

if (Bun.isMainThread) {
  const worker = new Worker(import.meta.url);
  worker.onmessage = ({ data }) => {
    console.log(JSON.stringify(data));
    worker.terminate();
  };
} else {
  const socket = openRaw();
  const counts = { inactive: 0, active: 0, afterwards: 0 };
  let phase: keyof typeof counts = "inactive";
  const watch = openReactor(libc).watch(socket.fd, () => {
    counts[phase] += socket.receive(() => {});
  });
  // An error must show the errno of this thread, not the main one's.
  let code = "";
  try {
    socket.getOption(1, 9999);
  } catch (failure) {
    code = (failure as { code: string }).code;
  }
  socket.send(request(1));
  await Bun.sleep(30);
  phase = "active";
  watch.setActive(true);
  await Bun.sleep(50);
  watch.setActive(false);
  phase = "afterwards";
  socket.send(request(2));
  await Bun.sleep(30);
  watch.close();
  watch.setActive(true);
  await Bun.sleep(30);
  postMessage({ ...counts, code });
}
