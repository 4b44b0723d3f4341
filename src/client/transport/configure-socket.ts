import { SystemError } from "../../errors.ts";
import {
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOF_TIMESTAMPING_OPT_ID,
  SOF_TIMESTAMPING_OPT_TSONLY,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOF_TIMESTAMPING_TX_SOFTWARE,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import type { MessageCalls } from "../../ffi/message-calls.ts";
import type { Socket } from "../../ffi/socket.ts";
import { Facilities } from "./capabilities.ts";
import {
  NO_ERRORS,
  type OptionValue,
  SOCKET_OPTIONS,
  type SocketOptionRow,
  type SocketPlan,
} from "./socket-options.ts";

const SENDING_TIME = "RTTs include the time it takes to send";
const COARSE = "RTTs are exact to the microsecond only";
const OWN_DELAYS = "RTTs include delays of this process";

const RECEIVE_STAMPS = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
const BOTH_STAMPS = RECEIVE_STAMPS | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;

/**
 * Sets all options of a new socket, kernel time stamps included.
 *
 * @param calls what moves its messages
 * @throws {SystemError} for one that is required, naming it and why.
 */
export function configureSocket(socket: Socket, plan: SocketPlan, calls: MessageCalls): Facilities {
  const { family, privileged } = plan;
  const purpose = plan.route === undefined ? "probes" : "sweep";
  const facilities = new Facilities({ purpose, family, privileged }, calls);
  tryErrorQueue(socket, facilities);
  // First, as the kernel takes a moment to begin with it.
  requestStamps(socket, facilities);
  for (const row of SOCKET_OPTIONS) {
    if (!isFor(row, facilities)) continue;
    const value = row.value(plan);
    if (value === undefined) continue;
    const refusal = refusalOf(socket, row, value);
    if (refusal === undefined) continue;
    const reason = row.required?.(plan);
    if (reason !== undefined) throw extended(refusal, `: ${reason}`);
    facilities.lack(row.name, refusal, row.without);
    row.onLack?.(facilities);
  }
  return facilities;
}

/** `error` with more to its message. */
export function extended(error: SystemError, more: string): SystemError {
  const { errno, code, syscall, address } = error;
  const details = { errno, code, syscall, ...(address !== undefined && { address }) };
  return new SystemError(`${error.message}${more}`, details, { cause: error });
}

/**
 * Makes the kernel number its transmit stamps, beginning with 0 for the next send.
 *
 * @returns why it does not, or undefined
 */
export function countStamps(socket: Socket): SystemError | undefined {
  // Only turning OPT_ID on sets the count back.
  return setStamps(socket, BOTH_STAMPS) ?? setStamps(socket, BOTH_STAMPS | SOF_TIMESTAMPING_OPT_ID);
}

function isFor(
  row: SocketOptionRow,
  { family, privileged, purpose, hasErrorQueue }: Facilities,
): boolean {
  return (
    (row.family ?? family) === family &&
    (row.privileged ?? privileged) === privileged &&
    (row.purpose ?? purpose) === purpose &&
    (hasErrorQueue || row.usesErrorQueue !== true)
  );
}

/**
 * Errors and transmit stamps come through the error queue. Where it cannot be read it must not be
 * filled.
 */
function tryErrorQueue(socket: Socket, facilities: Facilities): void {
  const { privileged, purpose } = facilities;
  if (privileged && purpose === "sweep") return;
  const refusal = attempt(() => socket.receiveErrors(() => {}, 1));
  if (refusal === undefined) return;
  facilities.hasErrorQueue = false;
  facilities.routerErrors = privileged;
  facilities.lack("MSG_ERRQUEUE", refusal, privileged ? SENDING_TIME : NO_ERRORS);
}

/**
 * Stamps of both ends; of replies only in a sweep, where the others would cost a system call for
 * each batch.
 */
function requestStamps(socket: Socket, facilities: Facilities): void {
  const wantsBoth = facilities.purpose === "probes" && facilities.hasErrorQueue;
  const refusal = wantsBoth ? countStamps(socket) : setStamps(socket, RECEIVE_STAMPS);
  facilities.transmitTimestamps = wantsBoth && refusal === undefined;
  facilities.receiveTimestamps = refusal === undefined;
  if (refusal === undefined) return;
  const isStamped =
    (wantsBoth && setStamps(socket, RECEIVE_STAMPS) === undefined) ||
    // Exact to the microsecond only, and known where the other is not: to gVisor, for one.
    attempt(() => socket.setOption(SOL_SOCKET, SO_TIMESTAMP, 1)) === undefined;
  facilities.receiveTimestamps = isStamped;
  // Those of a socket without transmit stamps include the time it takes to send anyway.
  const withStamps = wantsBoth ? SENDING_TIME : COARSE;
  facilities.lack("SO_TIMESTAMPING", refusal, isStamped ? withStamps : OWN_DELAYS);
}

function setStamps(socket: Socket, flags: number): SystemError | undefined {
  return attempt(() => socket.setOption(SOL_SOCKET, SO_TIMESTAMPING, flags));
}

/** Why the kernel takes none of the options of a row; undefined when it takes one. */
function refusalOf(
  socket: Socket,
  { name, level, options }: SocketOptionRow,
  value: OptionValue,
): SystemError | undefined {
  let refusal: SystemError | undefined;
  for (const option of options) {
    refusal = attempt(() => {
      if (typeof value === "number" || value instanceof Uint8Array)
        socket.setOption(level, option, value, name);
      else socket.attachFilter(value);
    });
    if (refusal === undefined) return undefined;
  }
  return refusal;
}

/** Why the system refuses a call; undefined when it does not. */
export function attempt(call: () => void): SystemError | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
}
