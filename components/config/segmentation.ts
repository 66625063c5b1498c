import { z } from "zod";
import { Cidr } from "../network/cidr.ts";

/** Label keys and values as Kubernetes takes them (kubernetes.io/docs/concepts/overview/working-with-objects/labels). */
export const Labels = z.record(
  z.string().regex(/^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/, "write a Kubernetes label key"),
  z.string().regex(/^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/, "write a Kubernetes label value"),
);

export const NamespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "write a namespace: a-z, 0-9 and -, at most 63 characters");

const ZoneName = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/, "a-z, 0-9 and -, at most 32 characters");

/** A host name, without a wildcard: whom a report asks about must be one party. */
const HostName = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "write a host name such as api.bank.example",
  );

/** `443/TCP`, `8000-8010/TCP`, `8/ICMP` (a type). */
const PortText = z
  .string()
  .regex(/^\d{1,5}(-\d{1,5})?\/(TCP|UDP|SCTP|ICMP)$/, "write a port and protocol such as 443/TCP or 8000-8010/UDP");

/** Parties of which a report treats one as any other: pods of a tier in every cluster of the mesh, or something outside. */
export const ZoneSpec = z.union([
  z.strictObject({
    namespace: NamespaceName,
    labels: Labels.default({}),
    namespaceLabels: Labels.default({}),
    serviceAccount: z.string().min(1).optional(),
    /** Named ports of its containers: `{http: 8080/TCP}`. */
    namedPorts: z.record(z.string(), PortText).default({}),
  }),
  z.strictObject({
    entity: z.enum(["world", "host", "remote-node", "kube-apiserver", "ingress", "health"]),
  }),
  z.strictObject({ cidr: Cidr }),
  z.strictObject({ fqdn: HostName }),
]);
export type ZoneSpec = z.infer<typeof ZoneSpec>;

/** Between two zones nothing but these ports is open, whichever cluster each is in. No ports: no path at all. */
export const SegmentationPromise = z.strictObject({
  /** A zone, or `anyone`: every zone, every other pod, every node and the world. */
  from: ZoneName,
  to: ZoneName,
  ports: z.array(PortText),
});
export type SegmentationPromise = z.infer<typeof SegmentationPromise>;

/** What a site's report is about, and what must hold in it. Bundles of policies bring zones and promises of their own. */
export const SegmentationSpec = z.strictObject({
  zones: z.record(ZoneName, ZoneSpec).default({}),
  promises: z.array(SegmentationPromise).default([]),
});
export type SegmentationSpec = z.infer<typeof SegmentationSpec>;
