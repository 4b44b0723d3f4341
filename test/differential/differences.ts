/**
 * Where tshark and this library differ on purpose. tshark tells all it can make out of a packet,
 * whatever state it is in, and dissects thousands of protocols; we decode what ICMP diagnostics
 * need, and refuse or leave raw what is damaged.
 *
 * What we do not decode at all, each with the rule that knows it:
 * - types of ICMP that no diagnosis needs (`undecodedType`), e.g. source quench, router and
 *   neighbour discovery;
 * - ICMP messages within quotes beyond their header, unless they are echoes (`undecodedQuote`);
 * - protocols other than ICMP, UDP and TCP (`undecodedProtocol`), and the options of TCP, which are
 *   not compared;
 * - IP options other than routes, timestamps and router alerts (`rareIpOptions`);
 * - extension objects other than MPLS labels and interfaces (`rawObjects`).
 *
 * Observed with tshark 4.0.
 *
 * @module
 */
import type { Rule } from "./dissection-rule.ts";
import { ICMP_RULES } from "./icmp-differences.ts";
import { IP_RULES } from "./ip-differences.ts";
import { TRANSPORT_RULES } from "./transport-differences.ts";

/** All of them. The first that fits a difference explains it. */
export const RULES: readonly Rule[] = [...IP_RULES, ...ICMP_RULES, ...TRANSPORT_RULES];
