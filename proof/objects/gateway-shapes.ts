import type { Schema } from "../../components/cilium/schema-walker.ts";
import { anything, fields, filled, flag, listOf, object, oneOf, port, selector, text, whole } from "./shapes.ts";

/**
 * Gateway API, both channels of 1.6 together with what 1.2 to 1.5 had and 1.6 has not (kubernetes-sigs/gateway-api `config/crd`). So a field
 * that is refused here is in no bundle that a Cilium of 1.18 to 1.20 works with.
 */
const dnsName = "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const hostname: Schema = { type: "string", minLength: 1, maxLength: 253, pattern: dnsName };
const duration: Schema = { type: "string", pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" };
const weight: Schema = { type: "integer", minimum: 0, maximum: 1_000_000 };

const reference = { group: text, kind: text, "name!": filled, namespace: text };
const secretReference = fields(reference);
const parentRef = fields({ ...reference, sectionName: text, port });
const serviceRef = fields({ ...reference, port });
const header = fields({ "name!": filled, "value!": text });
const headers = fields({ add: listOf(header), set: listOf(header), remove: listOf(text) });
const path = fields({
  "type!": oneOf("ReplaceFullPath", "ReplacePrefixMatch"),
  replaceFullPath: text,
  replacePrefixMatch: text,
});
const fraction = fields({ "numerator!": whole, denominator: whole });
const mirror = fields({ "backendRef!": serviceRef, percent: { type: "integer", minimum: 0, maximum: 100 }, fraction });
const extension = fields({ "group!": text, "kind!": filled, "name!": filled });

const httpFilter = fields({
  "type!": oneOf(
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "URLRewrite",
    "ExtensionRef",
    "CORS",
    "ExternalAuth",
  ),
  requestHeaderModifier: headers,
  responseHeaderModifier: headers,
  requestMirror: mirror,
  requestRedirect: fields({
    scheme: oneOf("http", "https"),
    hostname,
    path,
    port,
    statusCode: oneOf(301, 302, 303, 307, 308),
  }),
  urlRewrite: fields({ hostname, path }),
  extensionRef: extension,
  cors: fields({
    allowCredentials: flag,
    allowHeaders: listOf(text),
    allowMethods: listOf(text),
    allowOrigins: listOf(text),
    exposeHeaders: listOf(text),
    maxAge: whole,
  }),
  externalAuth: anything,
});
const valueMatch = fields({ type: oneOf("Exact", "RegularExpression"), "name!": filled, "value!": text });
const sessionPersistence = fields({
  absoluteTimeout: duration,
  idleTimeout: duration,
  cookieConfig: fields({ lifetimeType: oneOf("Permanent", "Session") }),
  sessionName: text,
  type: oneOf("Cookie", "Header"),
});
const retry = fields({ attempts: whole, backoff: duration, codes: listOf(whole) });
const routeSpec = (rule: Schema, hostnames: boolean): Schema =>
  object(
    fields({
      parentRefs: listOf(parentRef, { maxItems: 32 }),
      ...(hostnames ? { hostnames: listOf(hostname, { maxItems: 16 }) } : {}),
      useDefaultGateways: oneOf("All", "None"),
      rules: listOf(rule, { minItems: 1, maxItems: 16 }),
    }),
  );

const httpRoute = routeSpec(
  fields({
    name: text,
    matches: listOf(
      fields({
        path: fields({ type: oneOf("Exact", "PathPrefix", "RegularExpression"), value: text }),
        headers: listOf(valueMatch, { maxItems: 16 }),
        queryParams: listOf(valueMatch, { maxItems: 16 }),
        method: oneOf("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"),
      }),
      { maxItems: 64 },
    ),
    filters: listOf(httpFilter, { maxItems: 16 }),
    backendRefs: listOf(fields({ ...reference, port, weight, filters: listOf(httpFilter) }), { maxItems: 16 }),
    timeouts: fields({ request: duration, backendRequest: duration }),
    retry,
    sessionPersistence,
  }),
  true,
);

const grpcFilter = fields({
  "type!": oneOf("RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"),
  requestHeaderModifier: headers,
  responseHeaderModifier: headers,
  requestMirror: mirror,
  extensionRef: extension,
});
const grpcRoute = routeSpec(
  fields({
    name: text,
    matches: listOf(
      fields({
        method: fields({ type: oneOf("Exact", "RegularExpression"), service: text, method: text }),
        headers: listOf(valueMatch, { maxItems: 16 }),
      }),
      { maxItems: 64 },
    ),
    filters: listOf(grpcFilter, { maxItems: 16 }),
    backendRefs: listOf(fields({ ...reference, port, weight, filters: listOf(grpcFilter) }), { maxItems: 16 }),
    sessionPersistence,
  }),
  true,
);

const plainRule = fields({ name: text, backendRefs: listOf(fields({ ...reference, port, weight }), { maxItems: 16 }) });

const fromNamespaces = fields({ from: oneOf("All", "Selector", "Same", "None"), selector });
const validation = fields({ caCertificateRefs: listOf(secretReference), mode: text });
const listener = fields({
  "name!": filled,
  hostname,
  "port!": port,
  "protocol!": filled,
  tls: fields({
    mode: oneOf("Terminate", "Passthrough"),
    certificateRefs: listOf(secretReference, { maxItems: 64 }),
    options: { type: "object", additionalProperties: text },
    frontendValidation: validation,
  }),
  allowedRoutes: fields({
    namespaces: fromNamespaces,
    kinds: listOf(fields({ group: text, "kind!": filled }), { maxItems: 8 }),
  }),
});
const gateway = object(
  fields({
    "gatewayClassName!": filled,
    "listeners!": listOf(listener, { minItems: 1, maxItems: 64 }),
    addresses: listOf(fields({ type: text, value: text }), { maxItems: 16 }),
    allowedListeners: fields({ namespaces: fromNamespaces }),
    backendTLS: anything,
    defaultScope: oneOf("All", "None"),
    infrastructure: fields({
      annotations: { type: "object", additionalProperties: text },
      labels: { type: "object", additionalProperties: text },
      parametersRef: extension,
    }),
    tls: fields({ backend: anything, frontend: anything }),
  }),
);

const gatewayClass = object(
  fields({
    "controllerName!": filled,
    description: { type: "string", maxLength: 64 },
    parametersRef: fields({ "group!": text, "kind!": filled, "name!": filled, namespace: text }),
  }),
);

const referenceGrant = object(
  fields({
    "from!": listOf(fields({ "group!": text, "kind!": filled, "namespace!": filled }), { minItems: 1, maxItems: 16 }),
    "to!": listOf(fields({ "group!": text, "kind!": filled, name: text }), { minItems: 1, maxItems: 16 }),
  }),
);

/** By kind of gateway.networking.k8s.io. */
export const gatewayShapes: Readonly<Record<string, Schema>> = {
  GatewayClass: gatewayClass,
  Gateway: gateway,
  HTTPRoute: httpRoute,
  GRPCRoute: grpcRoute,
  TLSRoute: routeSpec(plainRule, true),
  TCPRoute: routeSpec(plainRule, false),
  UDPRoute: routeSpec(plainRule, false),
  ReferenceGrant: referenceGrant,
};

/** Versions that some bundle from 1.2 to 1.6 serves, the one to write first. */
export const gatewayVersions: Readonly<Record<string, readonly string[]>> = {
  GatewayClass: ["v1", "v1beta1"],
  Gateway: ["v1", "v1beta1"],
  HTTPRoute: ["v1", "v1beta1"],
  GRPCRoute: ["v1"],
  ReferenceGrant: ["v1beta1", "v1"],
  TLSRoute: ["v1", "v1alpha2", "v1alpha3"],
  TCPRoute: ["v1", "v1alpha2"],
  UDPRoute: ["v1", "v1alpha2"],
  BackendTLSPolicy: ["v1", "v1alpha3"],
  ListenerSet: ["v1"],
  BackendLBPolicy: ["v1alpha2"],
};
