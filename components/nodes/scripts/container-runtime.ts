import type { NodeSiteSpec } from "../../config/schema.ts";
import { file, quote } from "./bash.ts";

/**
 * containerd with the systemd cgroup driver, the pause image that this kubeadm names, and mirrors for images that name the original
 * registry (containerd docs: cri/config.md, hosts.md).
 */
export function containerRuntime(site: NodeSiteSpec): string {
  const { version, imageRegistry } = site.kubernetes;
  const hosts = mirrors(site).map(({ original, mirror }) =>
    file(`/etc/containerd/certs.d/${original}/hosts.toml`, hostsToml(original, mirror)),
  );
  return `pause=$(kubeadm config images list --kubernetes-version ${quote(`v${version}`)} --image-repository ${quote(imageRegistry)} | grep /pause:)
mkdir -p /etc/containerd/certs.d
${hosts.join("\n")}
put 0644 /etc/containerd/config.toml logged systemctl restart containerd <<EOF
${config}
EOF
${file("/etc/crictl.yaml", "runtime-endpoint: unix:///run/containerd/containerd.sock")}
logged systemctl enable --now containerd`;
}

const config = `version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '$pause'

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '/etc/containerd/certs.d'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true`;

interface Mirror {
  readonly original: string;
  readonly mirror: string;
}

/** Where the site keeps its own copies of the registries that everything comes from. */
function mirrors({ kubernetes, cilium }: NodeSiteSpec): Mirror[] {
  return [
    { original: "registry.k8s.io", mirror: kubernetes.imageRegistry },
    { original: "quay.io", mirror: cilium.images.registry ?? "quay.io" },
  ].filter(({ original, mirror }) => original !== mirror);
}

/** `registry.bank.example/quay` serves `quay.io/cilium/cilium` as `/v2/quay/cilium/cilium`. */
function hostsToml(original: string, mirror: string): string {
  const [host = "", ...path] = mirror.split("/");
  return `server = "https://${original}"

[host."https://${[host, "v2", ...path].join("/")}"]
capabilities = ["pull", "resolve"]
override_path = true`;
}
