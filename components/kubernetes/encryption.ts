/**
 * How the API server writes Secrets and ConfigMaps to etcd: secretbox, with `identity` last so that what an older server wrote in
 * plain text stays readable.
 *
 * Shape: kubernetes.io/docs/tasks/administer-cluster/encrypt-data.
 *
 * @param key  32 bytes in base64. Secret: without it no backup of etcd can be read.
 */
export function encryptionConfiguration(key: string) {
  return {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [
      {
        resources: ["secrets", "configmaps"],
        providers: [{ secretbox: { keys: [{ name: "key1", secret: key }] } }, { identity: {} }],
      },
    ],
  };
}
