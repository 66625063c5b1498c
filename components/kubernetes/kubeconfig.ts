import { parse, stringify } from "yaml";
import { z } from "zod";
import type { NodeSiteSpec } from "../config/schema.ts";
import { apiEndpoint, planSlots } from "../network/plan.ts";
import { ports } from "../network/ports.ts";

/** The parts of kubeadm's `admin.conf` that we read. */
const AdminConf = z.object({
  clusters: z.tuple([z.object({ cluster: z.object({ "certificate-authority-data": z.base64() }) })]),
  users: z.tuple([
    z.object({ user: z.object({ "client-certificate-data": z.base64(), "client-key-data": z.base64() }) }),
  ]),
});

/** How whoever runs `pulumi up` reaches the API. */
export interface OperatorEndpoint {
  readonly server: string;
  /** The name in the server's certificate; operators have no /etc/hosts entry for it. */
  readonly tlsServerName: string;
  readonly proxyUrl?: string;
}

/** The first load balancer address; on-prem without one, the first control plane itself. */
export function operatorEndpoint(site: NodeSiteSpec): OperatorEndpoint {
  const { name, port, addresses } = apiEndpoint(site);
  const [balancer] = addresses;
  const controlPlane = planSlots(site).find(({ role }) => role === "control-plane");
  if (!balancer && !controlPlane) throw new RangeError(`${site.name} has no control plane.`);
  return {
    server: balancer ? `https://${balancer}:${port}` : `https://${controlPlane?.address}:${ports.api.backend}`,
    tlsServerName: name,
    ...(site.apiProxy ? { proxyUrl: site.apiProxy } : {}),
  };
}

/**
 * The operator's kubeconfig, made of a control plane's `admin.conf`. Secret: it is cluster-admin.
 *
 * @throws RangeError, without the text, when it is no `admin.conf`.
 */
export function operatorKubeconfig(site: NodeSiteSpec, adminConf: string): string {
  const { clusters, users } = parseAdminConf(adminConf);
  const { server, tlsServerName, proxyUrl } = operatorEndpoint(site);
  const user = `${site.name}-admin`;
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: site.name,
          cluster: {
            server,
            "tls-server-name": tlsServerName,
            ...(proxyUrl ? { "proxy-url": proxyUrl } : {}),
            ...clusters[0].cluster,
          },
        },
      ],
      users: [{ name: user, user: users[0].user }],
      contexts: [{ name: site.name, context: { cluster: site.name, user } }],
      "current-context": site.name,
    },
    { lineWidth: 0 },
  );
}

/** The cluster CA's certificate, PEM. */
export function caCertificate(adminConf: string): string {
  return Buffer.from(parseAdminConf(adminConf).clusters[0].cluster["certificate-authority-data"], "base64").toString();
}

function parseAdminConf(text: string): z.infer<typeof AdminConf> {
  const { data } = AdminConf.safeParse(parse(text));
  if (!data) throw new RangeError("the first control plane's admin.conf is not what kubeadm writes.");
  return data;
}
