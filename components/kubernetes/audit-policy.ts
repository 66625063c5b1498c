/**
 * The API server's audit policy: who did what, and the whole request where that changes who may do what. Secrets, ConfigMaps and tokens are
 * never logged with their content. First match wins.
 *
 * Shape: kubernetes.io/docs/reference/config-api/apiserver-audit.v1.
 */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  // The beginning of a request says nothing that its end does not.
  omitStages: ["RequestReceived"],
  rules: [
    // Health and discovery, many times a second.
    { level: "None", nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi*"] },
    // The cluster's own clockwork.
    {
      level: "None",
      users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"],
      verbs: ["get", "list", "watch"],
    },
    { level: "None", userGroups: ["system:nodes"], verbs: ["get", "list", "watch"] },
    {
      level: "None",
      verbs: ["get", "create", "update", "patch"],
      resources: [{ group: "coordination.k8s.io", resources: ["leases"] }],
    },
    { level: "None", resources: [{ group: "", resources: ["events"] }, { group: "events.k8s.io" }] },
    {
      level: "Metadata",
      resources: [
        { group: "", resources: ["secrets", "configmaps", "serviceaccounts/token"] },
        { group: "authentication.k8s.io" },
      ],
    },
    // A way into a running container.
    {
      level: "RequestResponse",
      resources: [
        {
          group: "",
          resources: [
            "pods/exec",
            "pods/attach",
            "pods/portforward",
            "pods/ephemeralcontainers",
            "services/proxy",
            "nodes/proxy",
          ],
        },
      ],
    },
    // What decides who may do what, and which packets flow.
    {
      level: "RequestResponse",
      verbs: ["create", "update", "patch", "delete", "deletecollection"],
      resources: [
        { group: "rbac.authorization.k8s.io" },
        { group: "admissionregistration.k8s.io" },
        { group: "certificates.k8s.io" },
        { group: "networking.k8s.io" },
        {
          group: "cilium.io",
          resources: ["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups"],
        },
      ],
    },
    { level: "Metadata" },
  ],
};
