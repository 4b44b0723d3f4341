import type { Command } from "./command.ts";
import { completionsCommand } from "./completions.ts";
import { DECODE } from "./decode.ts";
import { DOCTOR } from "./doctor.ts";
import { MTR } from "./mtr.ts";
import { PING } from "./ping.ts";
import { SWEEP } from "./sweep.ts";
import { TRACEROUTE } from "./traceroute.ts";

/** All sub-commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  PING,
  SWEEP,
  TRACEROUTE,
  MTR,
  DECODE,
  DOCTOR,
  completionsCommand(() => COMMANDS),
];
