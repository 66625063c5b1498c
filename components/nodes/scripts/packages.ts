import type { NodeSiteSpec } from "../../config/schema.ts";
import { debianVersion, minorOf } from "../../kubernetes/versions.ts";
import { type Slot, usesLocalProxy } from "../../network/plan.ts";
import { file, quote } from "./bash.ts";

/**
 * Pinned packages from the configured repositories, held against any upgrade but ours.
 *
 * Another Kubernetes version on a node that has joined is an upgrade, and all nodes would make it at once: refused here.
 */
export function packages(site: NodeSiteSpec, slot: Slot): string {
  const { version, containerdVersion } = site.kubernetes;
  const wanted = debianVersion(version);
  const others = [
    ...(site.platform === "on-prem" ? [] : ["chrony"]),
    ...(usesLocalProxy(site, slot) ? ["haproxy"] : []),
  ];
  return `${repositories(site)}
kubernetes=${wanted}
runtime=${containerdVersion}-1~ubuntu.$VERSION_ID~$VERSION_CODENAME
installed() {
  dpkg-query -W -f='\${Version}' "$1" 2>/dev/null || true
}
present=$(installed kubelet)
if [[ -n $present && $present != "$kubernetes" && -e /etc/kubernetes/kubelet.conf ]]; then
  refuse GB-731 "this node runs kubelet $present, and the stack file asks for $kubernetes. Upgrade with kubeadm, node by node, before changing kubernetes.version."
fi
${file("/etc/apt/apt.conf.d/52gyeongbu", unattended)}
missing=()
for package in "kubelet=$kubernetes" "kubeadm=$kubernetes" "kubectl=$kubernetes" "containerd.io=$runtime"; do
  [[ $(installed "\${package%%=*}") == "\${package#*=}" ]] || missing+=("$package")
done
for package in ${["openssl", ...others].join(" ")}; do
  [[ -n $(installed "$package") ]] || missing+=("$package")
done
if [[ \${#missing[@]} -gt 0 ]]; then
  logged apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -q update
  logged apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -q -y --no-install-recommends --allow-change-held-packages install "\${missing[@]}"
fi
logged apt-mark hold kubelet kubeadm kubectl containerd.io`;
}

/** Unattended upgrades go on for the rest of the system, without a reboot of their own. */
const unattended = `Unattended-Upgrade::Package-Blacklist { "kubelet"; "kubeadm"; "kubectl"; "kubernetes-cni"; "cri-tools"; "containerd.io"; "haproxy"; };
Unattended-Upgrade::Automatic-Reboot "false";`;

function repositories({ kubernetes }: NodeSiteSpec): string {
  const kubernetesUrl = `${trimmed(kubernetes.packages.kubernetes)}/v${minorOf(kubernetes.version)}/deb`;
  const containerdUrl = trimmed(kubernetes.packages.containerd);
  return `# shellcheck source=/dev/null
. /etc/os-release
repository() {
  local name=$1 key_url=$2 line=$3 key=/etc/apt/keyrings/$1.asc
  mkdir -p /etc/apt/keyrings
  if [[ ! -s $key ]]; then
    logged curl -fsSL --retry 5 --retry-connrefused --connect-timeout 10 -o "$key.new" "$key_url"
    chmod 0644 "$key.new"
    mv "$key.new" "$key"
  fi
  echo "deb [signed-by=$key] $line" | put 0644 "/etc/apt/sources.list.d/$name.list"
}
repository gyeongbu-kubernetes ${quote(`${kubernetesUrl}/Release.key`)} ${quote(`${kubernetesUrl}/ /`)}
repository gyeongbu-containerd ${quote(`${containerdUrl}/gpg`)} ${quote(containerdUrl)}" $VERSION_CODENAME stable"`;
}

const trimmed = (url: string) => url.replace(/\/+$/, "");
