import { truthy } from "../../components/cilium/effective-values.ts";
import { isRecord } from "../../components/config/untyped.ts";
import { addressNumber } from "../objects/address-range.ts";
import type { Rule, ValuesSubject } from "../rule.ts";
import { members } from "./mesh-members.ts";
import { inMesh, onValues, wrong } from "./settings.ts";

/** Days; a certificate that lives shorter is gone before the yearly round of changes. */
const shortestValidity = 180;

export const certificateRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1162",
    severity: "warning",
    title: "Clusters that trust each other share one CA.",
    korean: "메시의 클러스터들은 같은 CA(tls.ca)를 써야 합니다.",
    reason:
      "Without tls.ca each release makes a CA of its own, and the other side answers x509 unknown authority (cilium issues 32076, 19057); authMode cluster depends on it.",
    check: onValues((settings) => {
      const auto = settings.on("clustermesh.apiserver.tls.auto.enabled");
      const issued = settings.text("clustermesh.apiserver.tls.auto.method") === "certmanager";
      const shared = settings.on("tls.ca.cert") || settings.on("tls.caBundle.enabled");
      const own = members(settings).every(({ entry }) => isRecord(entry.tls) && truthy(entry.tls.caCert));
      if (!inMesh(settings) || !settings.on("clustermesh.config.enabled") || !auto || issued || shared || own)
        return [];
      const mode = settings.text("clustermesh.apiserver.tls.authMode");
      return [
        wrong(
          "tls.ca",
          `tls.ca is not set, so the release makes a CA that no other cluster knows${mode === "cluster" ? ", and authMode cluster refuses its users" : ""}.`,
          "Write tls.ca.cert and tls.ca.key, the same in every cluster, or make the Secret cilium-ca the same everywhere.",
        ),
      ];
    }),
  },
  {
    code: "GB-1168",
    severity: "warning",
    title: "Certificates do not wait for pods that wait for them.",
    korean: "1.18 이하에서 인증서 방식 cronJob은 Helm 대기(wait)와 교착 상태가 됩니다.",
    reason:
      "Until 1.18 certgen's first Job is a Helm hook that runs after everything is ready, and what needs the certificates never is (cilium issues 42045, 40381).",
    check: onValues((settings) => {
      if (settings.within("1.19")) return [];
      const sections = [
        ["hubble.tls.auto", settings.on("hubble.relay.enabled") && settings.on("hubble.enabled")],
        ["clustermesh.apiserver.tls.auto", settings.on("clustermesh.useAPIServer")],
      ] as const;
      return sections
        .filter(([path, on]) => on && settings.on(`${path}.enabled`) && settings.text(`${path}.method`) === "cronJob")
        .map(([path]) =>
          wrong(
            `${path}.method`,
            `${path}.method is cronJob: with Cilium 1.18 a release that waits (helm --wait, Pulumi's default) never ends.`,
            "Install without waiting (skipAwait: true), or write method: certmanager or helm, or use Cilium 1.19.",
          ),
        );
    }),
  },
  {
    code: "GB-1169",
    severity: "warning",
    title: "Certificates that nobody renews live long.",
    korean: "자동 갱신되지 않는 인증서의 유효 기간은 충분히 길어야 합니다.",
    reason: "Method helm signs them at each render and never in between (templates/clustermesh-apiserver/tls-helm).",
    check: onValues((settings) =>
      (["clustermesh.apiserver.tls.auto", "hubble.tls.auto"] as const)
        .filter((path) => path.startsWith("hubble") || settings.on("clustermesh.useAPIServer"))
        .filter((path) => {
          const days = settings.given(`${path}.certValidityDuration`);
          return (
            settings.on(`${path}.enabled`) &&
            settings.text(`${path}.method`) === "helm" &&
            typeof days === "number" &&
            days < shortestValidity
          );
        })
        .map((path) =>
          wrong(
            `${path}.certValidityDuration`,
            `${path}.certValidityDuration is ${settings.text(`${path}.certValidityDuration`)} days, and method helm renews at the next release only.`,
            "Write 365 or more, or method: cronJob or certmanager.",
          ),
        ),
    ),
  },
  {
    code: "GB-1171",
    severity: "warning",
    title: "An address of a mesh endpoint is in its certificate.",
    korean: "메시 엔드포인트의 address는 상대 인증서(SAN)에 있어야 합니다.",
    reason:
      "The chart's server certificate names *.mesh.cilium.io; agents check what stands in address against it (templates/clustermesh-apiserver).",
    check: onValues((settings) => {
      if (!settings.on("clustermesh.config.enabled")) return [];
      const domain = settings.text("clustermesh.config.domain") || "mesh.cilium.io";
      return members(settings)
        .filter(({ name }) => name !== settings.text("cluster.name"))
        .flatMap(({ steps, name, entry }) => {
          const address = typeof entry.address === "string" ? entry.address : "";
          const covered = address === "" || (address.endsWith(".mesh.cilium.io") && domain === "mesh.cilium.io");
          const ownCa = isRecord(entry.tls) && truthy(entry.tls.cert);
          return covered || ownCa
            ? []
            : [
                wrong(
                  [...steps, "address"],
                  `${name ?? "It"} is dialled as ${address}, which its certificate names only if extraDnsNames or extraIpAddresses there does.`,
                  addressNumber(address) === undefined
                    ? `Add ${address} to extraDnsNames of that cluster's server certificate, or write ips instead.`
                    : `Write ips: [${address}] instead of address.`,
                ),
              ];
        });
    }),
  },
];
