import { stringify } from "yaml";
import { ports } from "../network/ports.ts";
import type { HostKey } from "./host-keys.ts";

export interface CloudInitArgs {
  /** A slot's name or the bastion's; becomes the machine's hostname. */
  readonly hostname: string;
  /** Who logs in over SSH, with password-less sudo. */
  readonly user: string;
  /** One `authorized_keys` line: the operator's public key. */
  readonly authorizedKey: string;
  /** The one-time key of `deriveHostKeys`. It is all that user data ever knows of a secret, and the first connection ends its life. */
  readonly bootstrapHostKey: HostKey;
  readonly role: "node" | "bastion";
}

/**
 * User data of a cloud machine: enough for one pinned SSH connection and nothing else, since anyone who may describe the machine
 * can read it and since on-prem hosts get none. Everything that makes a node of it comes over SSH.
 *
 * @returns about 2 KB of `#cloud-config`; AWS takes 16 KB (docs.aws.amazon.com/AWSEC2 user-data), Azure 64 KB.
 */
export function renderCloudInit({ hostname, user, authorizedKey, bootstrapHostKey, role }: CloudInitArgs): string {
  const config = {
    hostname,
    preserve_hostname: false,
    manage_etc_hosts: false,
    users: [
      {
        name: user,
        lock_passwd: true,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        ssh_authorized_keys: [authorizedKey.trim()],
      },
    ],
    disable_root: true,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_keys: {
      ed25519_private: bootstrapHostKey.privateKey,
      ed25519_public: bootstrapHostKey.publicKey,
    },
    package_update: false,
    package_upgrade: false,
    write_files: [
      {
        // sshd takes the first value it meets; this file sorts before the image's own.
        path: "/etc/ssh/sshd_config.d/10-gyeongbu.conf",
        permissions: "0600",
        content: `${sshdConfig(role).join("\n")}\n`,
      },
    ],
  };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}

function sshdConfig(role: CloudInitArgs["role"]): string[] {
  return [
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    "PermitRootLogin no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "AuthenticationMethods publickey",
    "X11Forwarding no",
    "AllowAgentForwarding no",
    "PermitTunnel no",
    "GatewayPorts no",
    // Steps of many nodes arrive at once through one bastion and at one control plane; the default drops from 10 on (sshd_config).
    "MaxStartups 100:30:200",
    ...(role === "bastion"
      ? ["AllowTcpForwarding local", `PermitOpen *:${ports.ssh} *:${ports.api.frontend}`]
      : ["AllowTcpForwarding no"]),
  ];
}
