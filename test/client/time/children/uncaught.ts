/**
 * Throws an error that nobody catches while turns of the event loop follow each other without an
 * end.
 *
 * @module
 */
import { systemPlatform } from "../../../../src/client/transport/platform.ts";

const { clock } = systemPlatform();

function turn(): void {
  clock.schedule(0, turn);
}

turn();
turn();
setTimeout(() => {
  throw new Error("an error of the program's own");
}, 5);
