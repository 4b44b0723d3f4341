/**
 * To be preloaded (`bun --preload`): refuses the system calls that the environment variable
 * ICMPX_REFUSALS lists, before the program begins.
 *
 * @module
 */
import { type Refusal, refuse } from "../../support/sandbox.ts";

refuse(JSON.parse(process.env["ICMPX_REFUSALS"] ?? "[]") as Refusal[]);
