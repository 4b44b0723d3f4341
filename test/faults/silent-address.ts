import type { Addresses, Chain } from "../lab/topologies.ts";

/** An address of each family on the first link of a chain without routers. */
const SILENT: Addresses = { 4: "10.77.1.50", 6: "fd77:1::50" };

/**
 * Gives the target of a chain without routers addresses that take echo requests and never answer,
 * and returns them. (For an address that nobody has, this host itself answers after a while: nobody
 * is there.)
 */
export async function addSilentAddress({ target }: Chain): Promise<Addresses> {
  await target.exec("ip", "addr", "add", `${SILENT[4]}/24`, "dev", "below");
  await target.exec("ip", "addr", "add", `${SILENT[6]}/64`, "dev", "below", "nodad");
  await target.nft(`table inet silence {
    chain input {
      type filter hook input priority 0;
      ip daddr ${SILENT[4]} icmp type echo-request drop
      ip6 daddr ${SILENT[6]} icmpv6 type echo-request drop
    }
  }`);
  return SILENT;
}
