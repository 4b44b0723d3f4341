import type { Scenario } from "../support/lab/scenario.ts";
import { plainChain } from "./plain-chain.ts";

/** Every scenario of this folder. */
export const SCENARIOS: readonly Scenario[] = [plainChain];
