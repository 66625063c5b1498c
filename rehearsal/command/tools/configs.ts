import type { Host } from "../host.ts";

/** What `containerd` says of its configuration; it starts without one. */
export function containerdProblem(host: Host): string | undefined {
  const config = host.files.read("/etc/containerd/config.toml");
  if (config === undefined || config.trim() === "") return undefined;
  const version = /^\s*version\s*=\s*(\d+)/m.exec(config)?.[1];
  const installed = host.state.packages["containerd.io"] ?? host.state.packages.containerd ?? "";
  if (version !== undefined && Number(version) > (installed.startsWith("1.") ? 2 : 3)) {
    return `containerd: unsupported config version: ${version}`;
  }
  const broken = config
    .split("\n")
    .find((line) => !/^\s*(#.*|\[\[?[^[\]]+\]\]?\s*(#.*)?|[\w"'.-]+\s*=.*|[\]}"'].*|)$/.test(line));
  return broken === undefined
    ? undefined
    : `containerd: failed to load TOML: /etc/containerd/config.toml: ${broken.trim()}`;
}

/** Whether containerd offers the CRI to the kubelet. */
export function criAnswers(host: Host): boolean {
  const config = host.files.read("/etc/containerd/config.toml") ?? "";
  const disabled = /^\s*disabled_plugins\s*=\s*\[([^\]]*)\]/m.exec(config)?.[1] ?? "";
  return (
    host.state.units.containerd?.active === true &&
    !/["'](cri|io\.containerd\.(grpc|cri)\.v1\.\w*|io\.containerd\.grpc\.v1\.cri)["']/.test(disabled)
  );
}

const sections =
  /^(global|defaults|frontend|backend|listen|resolvers|peers|userlist|cache|mailers|program|http-errors|ring|log-forward)\b/;
/** Keywords of HAProxy 2.8 (docs.haproxy.org/2.8/configuration.html) that API balancers use. */
const keywords = new Set(
  "log chroot stats user group daemon maxconn nbthread ca-base crt-base mode option timeout retries errorfile bind default_backend use_backend acl balance server default-server http-check tcp-check tcp-request tcp-response http-request http-response http-reuse hash-type compression description disabled enabled id monitor-uri pidfile tune.ssl.default-dh-param tune.bufsize ssl-default-bind-options ssl-default-bind-ciphers ssl-default-bind-ciphersuites ssl-server-verify server-template nameserver resolve_retries hold accepted_payload_size external-check unix-bind hard-stop-after no fullconn source stick stick-table spread-checks".split(
    " ",
  ),
);

/** What `haproxy -c` says; superficial: sections, keywords, targets of backends. */
export function haproxyProblem(_: Host, config: string | undefined): string | undefined {
  const alert = (line: number, text: string): string =>
    `[ALERT]    (1) : config : parsing [/etc/haproxy/haproxy.cfg:${line}] : ${text}`;
  if (config === undefined)
    return "[ALERT]    (1) : Cannot open configuration file/directory /etc/haproxy/haproxy.cfg : No such file or directory";
  const backends = new Set([...config.matchAll(/^(?:backend|listen)\s+(\S+)/gm)].map(([, name]) => name));
  let section = "";
  for (const [index, line] of config.split("\n").entries()) {
    const text = line.replace(/#.*/, "").trim();
    const word = text.split(/\s+/)[0] ?? "";
    if (text === "") continue;
    if (sections.test(text)) section = word;
    else if (section === "") return alert(index + 1, `unknown keyword '${word}' out of section.`);
    else if (!keywords.has(word)) return alert(index + 1, `unknown keyword '${word}' in '${section}' section`);
    else if (word === "bind" && !/^bind\s+(\S*:\d+|unix@\S+|\/\S+)/.test(text))
      return alert(index + 1, `'bind' : missing port number: '${text.split(/\s+/)[1] ?? ""}'`);
    else if (word === "server" && !/^server\s+\S+\s+\S+:\d+/.test(text) && !/^server\s+\S+\s+(\/|unix@)/.test(text))
      return alert(index + 1, `'server' : needs a name and an address with a port`);
    const target = /^(?:default_backend|use_backend)\s+(\S+)/.exec(text)?.[1];
    if (target !== undefined && !backends.has(target))
      return `[ALERT]    (1) : config : Proxy : unable to find required ${word}: '${target}'.`;
  }
  if (backends.size === 0 && !/^frontend\s/m.test(config)) return undefined;
  return undefined;
}

/** HAProxy listeners and the servers behind each: port -> addresses with ports. */
export function haproxyServers(config: string): Map<number, string[]> {
  const found = new Map<number, string[]>();
  const parts = config.split(/^(?=(?:global|defaults|frontend|backend|listen)\b)/m);
  const servers = (part: string): string[] =>
    [...part.matchAll(/^\s*server\s+\S+\s+(\S+:\d+)/gm)].map(([, server]) => server ?? "");
  for (const part of parts) {
    const backend = /^\s*default_backend\s+(\S+)/m.exec(part)?.[1];
    const from =
      backend === undefined ? part : (parts.find((other) => new RegExp(`^backend\\s+${backend}\\s`).test(other)) ?? "");
    for (const [, port] of part.matchAll(/^\s*bind\s+\S*?:(\d+)/gm)) found.set(Number(port), servers(from));
  }
  return found;
}

/** sshd's keywords that hardening touches (man sshd_config, OpenSSH 9.6), in lower case. */
const sshdKeywords = new Set(
  "acceptenv addressfamily allowagentforwarding allowgroups allowstreamlocalforwarding allowtcpforwarding allowusers authenticationmethods authorizedkeysfile banner casignaturealgorithms challengeresponseauthentication ciphers clientalivecountmax clientaliveinterval compression denygroups denyusers disableforwarding forcecommand gatewayports hostbasedauthentication hostkey hostkeyalgorithms ignorerhosts include kbdinteractiveauthentication kexalgorithms listenaddress logingracetime loglevel macs match maxauthtries maxsessions maxstartups passwordauthentication permitemptypasswords permitopen permitrootlogin permittty permittunnel permituserenvironment port printlastlog printmotd pubkeyacceptedalgorithms pubkeyauthentication rekeylimit requiredrsasize strictmodes subsystem syslogfacility tcpkeepalive trustedusercakeys usedns usepam x11forwarding x11usekeys".split(
    " ",
  ),
);

/** What `sshd -t` says. */
export function sshdProblem(host: Host): string | undefined {
  const directory = "/etc/ssh/sshd_config.d";
  const names = [
    "/etc/ssh/sshd_config",
    ...host.files
      .list(directory)
      .filter((name) => name.endsWith(".conf"))
      .map((name) => `${directory}/${name}`),
  ];
  for (const name of names) {
    for (const [index, line] of (host.files.read(name) ?? "").split("\n").entries()) {
      const word = line.trim().split(/[\s=]+/)[0] ?? "";
      if (word !== "" && !word.startsWith("#") && !sshdKeywords.has(word.toLowerCase())) {
        return `${name}: line ${index + 1}: Bad configuration option: ${word}\n${name}: terminating, 1 bad configuration options`;
      }
    }
  }
  const keys = ["/etc/ssh/ssh_host_ed25519_key"].filter((file) => host.files.exists(file));
  if (host.machine.cloud && keys.length === 0) return "sshd: no hostkeys available -- exiting.";
  const open = keys.find((file) => ((host.files.mode(file) ?? 0) & 0o077) !== 0);
  if (open === undefined) return undefined;
  return `@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nPermissions 0${host.files.mode(open)?.toString(8)} for '${open}' are too open.\nsshd: no hostkeys available -- exiting.`;
}
