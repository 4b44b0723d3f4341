import { type Client, type Privileged, RawSocketPermissionError, SystemError } from "icmpx";
import { messageOf } from "./session.ts";

/** What this process may open. */
export interface Permission {
  /**
   * "raw": everything. "datagram": no raw sockets, but those without privilege. "denied": neither,
   * nothing can be sent.
   */
  readonly state: "raw" | "datagram" | "denied";
  /**
   * What follows from it and, where a privilege is missing, what to run. Several lines, safe to
   * print; empty for "raw".
   */
  readonly message: string;
}

/** A host without one IP version has the other. */
const LOOPBACKS = ["127.0.0.1", "::1"] as const;
/** What becomes of the probe does not matter, only whether a socket opens for it. */
const TIMEOUT_MS = 100;

/** Finds out what may be opened here, by probing this host itself. Never rejects. */
export async function findPermission(client: Client): Promise<Permission> {
  try {
    await open(client, true);
    return { state: "raw", message: "" };
  } catch (error) {
    if (!(error instanceof RawSocketPermissionError))
      return { state: "denied", message: messageOf(error) };
  }
  try {
    // The error of this one names all remedies.
    await open(client, "auto");
    return {
      state: "datagram",
      message:
        "No raw sockets here: datagram sockets are used. To see what would allow them, run\n  icmpx doctor",
    };
  } catch (error) {
    return { state: "denied", message: messageOf(error) };
  }
}

async function open(client: Client, privileged: Privileged): Promise<void> {
  for (const address of LOOPBACKS) {
    try {
      await client.probe(address, { privileged, timeout: TIMEOUT_MS });
      return;
    } catch (error) {
      const hasOther = address !== LOOPBACKS.at(-1);
      if (!(error instanceof SystemError && error.code === "EAFNOSUPPORT" && hasOther)) throw error;
    }
  }
}
