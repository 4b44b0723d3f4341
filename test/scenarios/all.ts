import type { Scenario } from "../lab/scenario.ts";
import { backToBack } from "./back-to-back.ts";
import { burstLoss } from "./burst-loss.ts";
import { busyPath } from "./busy-path.ts";
import { corruptData } from "./corrupt-data.ts";
import { destinationBalancing } from "./destination-balancing.ts";
import { duplicatedRequests } from "./duplicated-requests.ts";
import { duplicates } from "./duplicates.ts";
import { flowBalancing } from "./flow-balancing.ts";
import { forgedCookie } from "./forged-cookie.ts";
import { forgedQuote } from "./forged-quote.ts";
import { forgedSource } from "./forged-source.ts";
import { interfaceInformation } from "./interface-information.ts";
import { jitter } from "./jitter.ts";
import { lateDuplicates } from "./late-duplicates.ts";
import { lateErrors } from "./late-errors.ts";
import { lateReplies } from "./late-replies.ts";
import { longPath } from "./long-path.ts";
import { lossBack } from "./loss-back.ts";
import { lossOfErrors } from "./loss-of-errors.ts";
import { lossThere } from "./loss-there.ts";
import { manyTargets } from "./many-targets.ts";
import { mplsLegacy } from "./mpls-legacy.ts";
import { mplsProper } from "./mpls-proper.ts";
import { nat } from "./nat.ts";
import { natLeavingAddresses } from "./nat-leaving-addresses.ts";
import { natLeavingChecksums } from "./nat-leaving-checksums.ts";
import { natLeavingQuotes } from "./nat-leaving-quotes.ts";
import { otherAddress } from "./other-address.ts";
import { outage } from "./outage.ts";
import { packetBalancing } from "./packet-balancing.ts";
import { parameterProblem } from "./parameter-problem.ts";
import { pathChangesInTime } from "./path-changes-in-time.ts";
import { pathGrows } from "./path-grows.ts";
import { pathMtu } from "./path-mtu.ts";
import { pathMtuBlackHole } from "./path-mtu-black-hole.ts";
import { pathShrinks } from "./path-shrinks.ts";
import { payloadSizes } from "./payload-sizes.ts";
import { periodicLoss } from "./periodic-loss.ts";
import { plainChain } from "./plain-chain.ts";
import { prohibited } from "./prohibited.ts";
import { quotedOptions } from "./quoted-options.ts";
import { rateLimit } from "./rate-limit.ts";
import { redirects } from "./redirects.ts";
import { reordering } from "./reordering.ts";
import { routingLoop } from "./routing-loop.ts";
import { shortQuoteWithLabels } from "./short-quote-with-labels.ts";
import { shortQuotes } from "./short-quotes.ts";
import { silentRouter } from "./silent-router.ts";
import { silentTarget } from "./silent-target.ts";
import { slowErrors } from "./slow-errors.ts";
import { targetRefuses } from "./target-refuses.ts";
import { twoQueues } from "./two-queues.ts";
import { unequalBranches } from "./unequal-branches.ts";
import { unreachableCodes } from "./unreachable-codes.ts";
import { wrongChecksum } from "./wrong-checksum.ts";

/** Every scenario of this folder. */
export const SCENARIOS: readonly Scenario[] = [
  backToBack,
  burstLoss,
  busyPath,
  corruptData,
  destinationBalancing,
  duplicatedRequests,
  duplicates,
  flowBalancing,
  forgedCookie,
  forgedQuote,
  forgedSource,
  interfaceInformation,
  jitter,
  lateDuplicates,
  lateErrors,
  lateReplies,
  longPath,
  lossBack,
  lossOfErrors,
  lossThere,
  manyTargets,
  mplsLegacy,
  mplsProper,
  natLeavingAddresses,
  natLeavingChecksums,
  natLeavingQuotes,
  nat,
  otherAddress,
  outage,
  packetBalancing,
  parameterProblem,
  pathChangesInTime,
  pathGrows,
  pathMtuBlackHole,
  pathMtu,
  pathShrinks,
  payloadSizes,
  periodicLoss,
  plainChain,
  prohibited,
  rateLimit,
  quotedOptions,
  redirects,
  reordering,
  routingLoop,
  shortQuoteWithLabels,
  shortQuotes,
  silentRouter,
  silentTarget,
  slowErrors,
  targetRefuses,
  twoQueues,
  unequalBranches,
  unreachableCodes,
  wrongChecksum,
];
