/**
 * Ends the process, or what it measures, in one of several ways while replies pour in.
 *
 * @module
 */
import { Client } from "icmpx";

/** How it ends. Only `throw` ends with another exit code than 0. */
export type Exit = "exit" | "throw" | "close" | "stop";

/** The argument. */
export interface PouringInput {
  readonly exit: Exit;
  readonly target: string;
}

const { exit, target } = JSON.parse(process.argv[2] ?? "{}") as PouringInput;

const client = new Client();
let received = 0;
const run = client.multiping(Array<string>(100).fill(target), {
  count: 100_000,
  interval: 1,
  onResult: ({ kind }) => {
    if (kind === "reply") received += 1;
    if (received === 2000) setImmediate(end);
  },
});
run.catch(() => {});

function end(): void {
  if (exit === "exit") process.exit(0);
  else if (exit === "close") client.close();
  else if (exit === "stop") run.stop();
  else throw new Error("an error of the program's own");
}
