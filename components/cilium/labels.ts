/** Labels of ours. A node gets the first at join (`kubeadm` node registration), Services the others. */

/** The node's rack; each rack's BGP configuration selects by it. On-prem only. */
export const rackLabel = "gyeongbu.io/rack";

/** `"true"` on a Service of type LoadBalancer whose address the ToRs shall learn; without it the address is given but not announced. */
export const announceLabel = "gyeongbu.io/announce";

/**
 * `"true"` on every global service of ours, and the only label that failover selects by: one label-selected patch reaches them all
 * at once, ten times faster than one patch per service.
 */
export const failoverLabel = "gyeongbu.io/failover";
