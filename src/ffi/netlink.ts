import {
  AF_NETLINK,
  NETLINK_ROUTE,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGHDR,
  RTATTR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "./constants.ts";
import type { Libc } from "./libc.ts";

/** The kernel sends no longer datagrams (netlink_recvmsg). */
const LONGEST = 32_768;
const ALIGNMENT = 4;

/**
 * Asks the kernel for all objects of a kind (rtnetlink(7), NLM_F_DUMP), which any user may, and
 * hands each to `visit` until that returns false. A socket is opened for it and closed again.
 *
 * @param type of the request, such as RTM_GETQDISC
 * @param header what follows the `nlmsghdr`
 * @returns whether all of them, or as many as were wanted, have been visited
 */
export function dumpObjects(
  { symbols }: Libc,
  { type, header }: { readonly type: number; readonly header: Uint8Array },
  visit: (object: DataView) => boolean,
): boolean {
  const fd = symbols.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return false;
  try {
    const request = new Uint8Array(NLMSGHDR.size + header.length);
    const view = new DataView(request.buffer);
    view.setUint32(NLMSGHDR.length, request.length, true);
    view.setUint16(NLMSGHDR.type, type, true);
    view.setUint16(NLMSGHDR.flags, NLM_F_REQUEST | NLM_F_DUMP, true);
    request.set(header, NLMSGHDR.size);
    // Without an address it goes to the kernel (netlink(7)).
    if (symbols.sendto(fd, request, request.length, 0, null, 0) < 0) return false;
    const bytes = new Uint8Array(LONGEST);
    for (;;) {
      const received = symbols.recvfrom(fd, bytes, bytes.length, 0, null, null);
      if (received <= 0) return false;
      const end = visitMessages(new DataView(bytes.buffer, 0, received), visit);
      if (end !== "more") return end === "done";
    }
  } finally {
    symbols.close(fd);
  }
}

/** How one datagram of a dump ends it. */
function visitMessages(
  view: DataView,
  visit: (object: DataView) => boolean,
): "more" | "done" | "error" {
  for (let offset = 0; offset + NLMSGHDR.size <= view.byteLength; ) {
    const length = view.getUint32(offset + NLMSGHDR.length, true);
    if (length < NLMSGHDR.size || offset + length > view.byteLength) return "error";
    const type = view.getUint16(offset + NLMSGHDR.type, true);
    if (type === NLMSG_DONE) return "done";
    if (type === NLMSG_ERROR) return "error";
    const object = new DataView(
      view.buffer,
      view.byteOffset + offset + NLMSGHDR.size,
      length - NLMSGHDR.size,
    );
    if (!visit(object)) return "done";
    offset += aligned(length);
  }
  return "more";
}

/**
 * The data of the first attribute of that type, `from` bytes on in `object`; undefined without one.
 */
export function findAttribute(object: DataView, from: number, type: number): DataView | undefined {
  for (let offset = from; offset + RTATTR.size <= object.byteLength; ) {
    const length = object.getUint16(offset + RTATTR.length, true);
    if (length < RTATTR.size || offset + length > object.byteLength) return undefined;
    if (object.getUint16(offset + RTATTR.type, true) === type) {
      const start = object.byteOffset + offset + RTATTR.size;
      return new DataView(object.buffer, start, length - RTATTR.size);
    }
    offset += aligned(length);
  }
  return undefined;
}

function aligned(length: number): number {
  return (length + ALIGNMENT - 1) & -ALIGNMENT;
}
