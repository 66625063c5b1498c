import type { ObjectsSubject } from "../rule.ts";
import { objectsOf, type Placed, text } from "./objects.ts";

export const gatewayGroup = "gateway.networking.k8s.io";
export const ciliumController = "io.cilium/gateway-controller";
export const routeKinds = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"];

/** Route kinds by the listener protocol that carries them (cilium `operator/pkg/gateway-api/helpers.go`). */
export const carried: Readonly<Record<string, readonly string[]>> = {
  HTTP: ["HTTPRoute", "GRPCRoute"],
  HTTPS: ["HTTPRoute", "GRPCRoute"],
  // TCPRoute where TLS ends at the listener, which Cilium leaves to others.
  TLS: ["TLSRoute", "TCPRoute"],
  TCP: ["TCPRoute"],
  UDP: ["UDPRoute"],
};

/** Whether Cilium serves the Gateway: its class is the chart's, or one of the given classes with Cilium's controller. */
export function isCiliumGateway(subject: ObjectsSubject, gateway: Placed): boolean {
  const name = text(gateway.spec.gatewayClassName);
  const classes = objectsOf(subject, gatewayGroup, ["GatewayClass"]).filter((placed) => placed.name === name);
  return classes.length === 0
    ? name === "cilium"
    : classes.some(({ spec }) => spec.controllerName === ciliumController);
}
