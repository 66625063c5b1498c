import type { NodeSiteSpec } from "../../config/schema.ts";
import { apiEndpoint, planSlots, type Slot, usesLocalProxy } from "../../network/plan.ts";
import { ports } from "../../network/ports.ts";
import { file } from "./bash.ts";

/** How the node finds the API: a name in /etc/hosts, so that no resolver is needed, with the load balancer or a proxy of its own behind it. */
export function apiAccess(site: NodeSiteSpec, slot: Slot): string {
  const { name, addresses } = apiEndpoint(site);
  const local = usesLocalProxy(site, slot);
  const lines = [
    `${slot.address} ${slot.name} # gyeongbu`,
    ...(local ? ["127.0.0.1"] : addresses).map((address) => `${address} ${name} # gyeongbu`),
  ];
  const hosts = `{
  sed '/# gyeongbu$/d' /etc/hosts
  cat <<'EOF'
${lines.join("\n")}
EOF
} | put 0644 /etc/hosts`;
  return local ? `${hosts}\n${proxy(site)}` : hosts;
}

/**
 * Checks whether each API server is ready, since one that has lost its etcd still accepts connections. Down after two failures, 0.5 s apart
 * once the first was seen; every 2 s otherwise, which for 200 workers is 100 requests a second per API server.
 *
 * Idle connections live as long as the kubelet lets an idle `kubectl exec` live, 4 h (`streamingConnectionIdleTimeout`).
 */
function proxy(site: NodeSiteSpec): string {
  const servers = planSlots(site)
    .filter(({ role }) => role === "control-plane")
    .map(({ name, address }) => `    server ${name} ${address}:${ports.api.backend}`);
  const config = `global
    log /dev/log local0 notice
    user haproxy
    group haproxy
    maxconn 4000

defaults
    mode tcp
    log global
    option clitcpka
    option srvtcpka
    timeout connect 5s
    timeout client 4h
    timeout server 4h
    timeout check 3s

frontend api
    bind 127.0.0.1:${ports.api.frontend}
    default_backend control-planes

backend control-planes
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz
    http-check expect status 200
    default-server check check-ssl verify none inter 2s fastinter 500ms fall 2 rise 2 on-marked-down shutdown-sessions
${servers.join("\n")}`;
  return `${file("/etc/haproxy/haproxy.cfg", config, { onChange: "logged systemctl reload-or-restart haproxy" })}
logged systemctl enable --now haproxy`;
}
