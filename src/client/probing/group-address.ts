import { networkInterfaces } from "node:os";
import { isMulticast, isSameHost, isUnspecified } from "../../packet/address.ts";

/** RFC 919 section 7. */
const LIMITED_BROADCAST = "255.255.255.255";

/** Whether an address stands for many hosts that each answer: a multicast group, or the broadcast of a network here. */
export function isGroup(address: string): boolean {
  if (isMulticast(address) || address === LIMITED_BROADCAST) return true;
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return interfaces.some((each) => each.family === "IPv4" && broadcastOf(each) === address);
}

function broadcastOf({
  address,
  netmask,
}: {
  readonly address: string;
  readonly netmask: string;
}): string {
  const mask = netmask.split(".");
  const octets = address
    .split(".")
    .map((octet, index) => Number(octet) | (~Number(mask[index]) & 0xff));
  return octets.join(".");
}

/** Whether an answer from `from` may come from the target, as far as its address tells. */
export function answersFor(from: string, destination: string): boolean {
  return (
    isSameHost(from, destination) ||
    isMulticast(destination) ||
    destination === LIMITED_BROADCAST ||
    isUnspecified(destination)
  );
}
