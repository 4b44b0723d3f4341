/**
 * ICMP diagnostics for Bun: ping, probe, multiping, traceroute and mtr over libc's sockets, IPv4
 * and IPv6, with or without privilege. Times are in milliseconds.
 *
 * @example
 * ```ts
 * import { Client } from "icmpx";
 *
 * await using client = new Client();
 * const { statistics } = await client.ping("127.0.0.1", { count: 3, interval: 100 });
 * console.log(`${statistics.received}/${statistics.sent} answered, mean ${statistics.mean} ms`);
 * ```
 *
 * @module
 */
export { Client } from "./client/client.ts";
export { formatMtr, type TableFormatOptions } from "./client/format/mtr.ts";
export { formatMultiping } from "./client/format/multiping.ts";
export { formatEchoResult, formatPingStatistics } from "./client/format/ping.ts";
export { formatHop, formatStopReason, formatTraceroute } from "./client/format/traceroute.ts";
export type { ClientCounters } from "./client/results/counters.ts";
export { EchoStatistics } from "./client/results/echo-statistics.ts";
export type {
  AddressStatistics,
  EchoIcmpErrorResult,
  EchoReply,
  EchoReplyResult,
  EchoRequest,
  EchoResult,
  EchoSendErrorResult,
  EchoTimeoutResult,
  IcmpErrorDetails,
  IcmpPacket,
  IpHeader,
  MtrAddress,
  MtrHop,
  MtrResult,
  MtrRound,
  MtrStatistics,
  MultipingResult,
  MultipingTarget,
  PathEnd,
  PathStatistics,
  PingResult,
  QuotedRequest,
  ReceivedPacket,
  Responder,
  RttSource,
  SendErrorDetails,
  SentPacket,
  StopReason,
  TargetFailure,
  TargetStatistics,
  TracerouteEntry,
  TracerouteResult,
  WrongData,
} from "./client/results/results.ts";
export type { StatisticsSnapshot } from "./client/results/statistics.ts";
export { isDecisive, isTransit } from "./client/results/verdicts.ts";
export type { Measurement } from "./client/run/measurement.ts";
export type {
  ClientOptions,
  CommonOptions,
  MtrOptions,
  PingOptions,
  ProbeOptions,
  SendOptions,
  TracerouteOptions,
} from "./client/run/options.ts";
export type { MultipingItem } from "./client/strategies/multiping.ts";
export type { HostSet } from "./client/sweep/host-set.ts";
export type { SweepOptions } from "./client/sweep/sweep-options.ts";
export type {
  SweepHost,
  SweepIcmpError,
  SweepItem,
  SweepMeasurement,
  SweepProgress,
  SweepReply,
  SweepResult,
  SweepRtt,
  SweepSendError,
  SweepSilence,
  SweepWrongData,
} from "./client/sweep/sweep-results.ts";
export type { TargetOrder, Targets } from "./client/sweep/targets/target-stream.ts";
export type { MissingFacility, SocketCapabilities } from "./client/transport/capabilities.ts";
export type { Privileged } from "./client/transport/open.ts";
export type { PermissionDiagnosis, SocketPermission } from "./client/transport/permission.ts";
export type { ProcessFacts } from "./client/transport/process-facts.ts";
export {
  ClientClosedError,
  IcmpxError,
  PacketError,
  RawSocketPermissionError,
  type Remedy,
  ResolveError,
  RouteError,
  SystemError,
  type SystemErrorDetails,
  UnsupportedPlatformError,
} from "./errors.ts";
export type { Family } from "./packet/address.ts";
