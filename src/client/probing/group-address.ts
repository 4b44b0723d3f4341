import { networkInterfaces } from "node:os";
import { isMulticast, LIMITED_BROADCAST } from "../../packet/address.ts";

/**
 * Whether an address stands for many hosts that each answer: a multicast group, or the broadcast of
 * a network here.
 */
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
