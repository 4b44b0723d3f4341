import { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";
import type { RunContext } from "../run/run-context.ts";
import type { Facilities } from "../transport/capabilities.ts";
import { interfaceIndex } from "../transport/interface-names.ts";
import { openPermitted } from "../transport/open.ts";
import type { Platform } from "../transport/platform.ts";
import { IDENTITY_LENGTH } from "../transport/sweep-probe.ts";
import { type SweepListener, SweepWire } from "../transport/sweep-wire.ts";
import { COOKIE_KEY_LENGTH } from "./cookie.ts";
import { Lane } from "./lane.ts";
import { Sweep } from "./sweep.ts";
import type { SweepSettings } from "./sweep-options.ts";
import type { SweepItem } from "./sweep-results.ts";
import { Tally } from "./tally.ts";
import type { SweepZone } from "./targets/sweep-zone.ts";
import type { TargetStream } from "./targets/target-stream.ts";

/**
 * Answers of so long a time, at the rate, fit the receive buffer: the event loop may be held up.
 */
const BUFFERED_SECONDS = 0.25;
/** Kernel memory that a small packet takes in a receive queue, about. */
const PACKET_MEMORY = 1024;
const SMALLEST_BUFFER = 4 << 20;
const LARGEST_BUFFER = 64 << 20;

/**
 * Puts the parts of a sweep together. No socket is open before the first target of its family
 * comes.
 *
 * @throws {RangeError} for an interface that this host does not have.
 */
export function openSweep(
  platform: Platform,
  run: RunContext<SweepItem>,
  work: {
    readonly targets: TargetStream;
    readonly zone: SweepZone;
    readonly settings: SweepSettings;
    /** Told of each socket that is opened. */
    readonly onSocket: (facilities: Facilities) => void;
  },
): Sweep {
  const { targets, zone, settings, onSocket } = work;
  const { clock, libc } = platform;
  const { interface: by, sources } = settings;
  const sourceZone = sources[6]?.split("%", 2)[1];
  if (by !== undefined && interfaceIndex(libc, by) === 0) {
    throw new RangeError(`Option "interface" is "${by}": this host has no such interface`);
  }
  if (sourceZone !== undefined && interfaceIndex(libc, sourceZone) === 0) {
    throw new RangeError(
      `Option "source" is "${sources[6]}": this host has no interface "${sourceZone}"`,
    );
  }
  const tally = new Tally(randomWord(platform));
  const filler = fillerOf(settings.size);
  const openWire = (family: Family, listener: SweepListener) =>
    openPermitted(
      platform,
      { privileged: settings.privileged, family },
      (privileged) =>
        new SweepWire(
          platform,
          {
            family,
            privileged,
            identifier: randomWord(platform) & 0xffff,
            source: sources[family],
            interface: by ?? (family === 6 ? sourceZone : undefined),
            zone,
            ttl: settings.ttl,
            tos: settings.tos,
            dontFragment: settings.dontFragment,
            mark: settings.mark,
            size: settings.size,
            receiveBuffer: bufferFor(settings.rate),
            filler,
          },
          listener,
        ),
    );
  const openLane = (family: Family): Lane | SystemError => {
    try {
      const lane = new Lane({
        family,
        openWire: (listener) => openWire(family, listener),
        key: platform.random(new Uint8Array(COOKIE_KEY_LENGTH)),
        firstSequence: randomWord(platform) & 0xffff,
        timeoutsNs: settings.timeoutsNs,
        clock,
        tally,
        zone,
        sink: {
          get wantsReplies() {
            return run.isIterated;
          },
          get wantsOthers() {
            return settings.all && run.isIterated;
          },
          emit: (host) => run.emit(host),
        },
      });
      onSocket(lane.wire.facilities);
      return lane;
    } catch (error) {
      if (concernsFamily(error)) return error;
      throw error;
    }
  };
  return new Sweep({
    run,
    clock,
    targets,
    tally,
    rate: settings.rate,
    all: settings.all,
    openLane,
  });
}

/** A host without IPv6 can still probe the other family. */
function concernsFamily(error: unknown): error is SystemError {
  return error instanceof SystemError && error.code === "EAFNOSUPPORT";
}

function fillerOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) =>
    index < IDENTITY_LENGTH ? 0 : index & 0xff,
  );
}

function bufferFor(rate: number): number {
  const wanted = rate * BUFFERED_SECONDS * PACKET_MEMORY;
  return Math.round(Math.min(Math.max(wanted, SMALLEST_BUFFER), LARGEST_BUFFER));
}

function randomWord(platform: Platform): number {
  const bytes = platform.random(new Uint8Array(4));
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0);
}
