/** Ports that Cilium's own processes hold on every node (Documentation/operations/system_requirements.rst, Firewall Rules). */
export const heldPorts: Readonly<Record<number, string>> = {
  4240: "the health checks",
  4244: "the Hubble server",
  4250: "mutual authentication",
  9878: "Envoy's health listener",
  9879: "the agent's health API",
  9890: "the agent's gops server",
  9891: "the operator's gops server",
  9893: "Hubble Relay's gops server",
  9962: "the agent's metrics",
  9963: "the operator's metrics",
  9964: "Envoy's metrics",
  9965: "Hubble's metrics",
};
