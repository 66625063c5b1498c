import { parse } from "yaml";
import { z } from "zod";

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const command = z.union([z.string(), z.array(scalar)]);
const keys = z.array(z.string());

const User = z.looseObject({
  name: z.string(),
  groups: z.union([z.string(), z.array(z.string())]).optional(),
  sudo: z.union([z.string(), z.array(z.string()), z.boolean(), z.null()]).optional(),
  shell: z.string().optional(),
  homedir: z.string().optional(),
  ssh_authorized_keys: keys.optional(),
});
export type User = z.infer<typeof User>;

const WriteFile = z.looseObject({
  path: z.string(),
  content: z.string().default(""),
  encoding: z.string().optional(),
  permissions: scalar.optional(),
  owner: z.string().optional(),
  append: z.boolean().optional(),
  defer: z.boolean().optional(),
});
export type WriteFile = z.infer<typeof WriteFile>;

/** The modules of cloud-init that change what a script can see. */
export const CloudConfig = z.looseObject({
  hostname: z.string().optional(),
  fqdn: z.string().optional(),
  users: z.array(z.union([z.string(), User])).optional(),
  ssh_authorized_keys: keys.optional(),
  disable_root: z.boolean().optional(),
  ssh_keys: z.record(z.string(), z.string()).optional(),
  write_files: z.array(WriteFile).optional(),
  bootcmd: z.array(command).optional(),
  runcmd: z.array(command).optional(),
  package_update: z.boolean().optional(),
  packages: z.array(z.union([z.string(), z.array(z.string())])).optional(),
  apt: z
    .looseObject({
      sources: z
        .record(
          z.string(),
          z.looseObject({ source: z.string().optional(), key: z.string().optional(), filename: z.string().optional() }),
        )
        .optional(),
    })
    .optional(),
  fs_setup: z
    .array(
      z.looseObject({
        device: z.string(),
        filesystem: z.string(),
        label: z.string().optional(),
        overwrite: z.boolean().optional(),
      }),
    )
    .optional(),
  mounts: z.array(z.array(scalar.nullable())).optional(),
});
export type CloudConfig = z.infer<typeof CloudConfig>;

/** Top-level keys of cloud-init 25 (docs.cloud-init.io, module reference); any other is a schema error that it reports and ignores. */
const known = new Set(
  `allow_public_ssh_keys ansible apk_repos apt apt_pipelining authkey_hash autoinstall bootcmd byobu_by_default ca_certs
   chef chpasswd cloud_config_modules cloud_final_modules cloud_init_modules create_hostname_file device_aliases
   disable_ec2_metadata disable_root disable_root_opts disk_setup drivers fan final_message fqdn fs_setup groups growpart
   grub_dpkg hostname keyboard landscape locale locale_configfile lxd manage_etc_hosts manage_resolv_conf mcollective
   merge_how merge_type migrate mount_default_fields mounts no_ssh_fingerprints ntp output package_reboot_if_required
   package_update package_upgrade packages password phone_home power_state prefer_fqdn_over_hostname preserve_hostname
   puppet random_seed reporting resize_rootfs resolv_conf rh_subscription rpi rsyslog runcmd salt_minion snap spacewalk
   ssh ssh_authorized_keys ssh_deletekeys ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id ssh_key_console_blacklist
   ssh_keys ssh_publish_hostkeys ssh_pwauth ssh_quiet_keygen swap system_info timezone ubuntu_pro user users vendor_data
   version wireguard write_files yum_repos zypper`.split(/\s+/),
);

/**
 * Reads user data as cloud-init does.
 *
 * @returns the configuration, empty when it cannot be used, and what cloud-init would report.
 */
export function readCloudConfig(userData: string): { config: CloudConfig; problems: string[] } {
  const empty = (problem: string) => ({ config: CloudConfig.parse({}), problems: [problem] });
  if (!/^#cloud-config\s*\n/.test(userData)) {
    return empty("Unhandled non-multipart (text/x-not-multipart) userdata: it must begin with the line #cloud-config");
  }
  let document: unknown;
  try {
    document = parse(userData, { uniqueKeys: true }) ?? {};
  } catch (error) {
    return empty(`Failed loading yaml blob. ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = CloudConfig.safeParse(document);
  if (!result.success) {
    return empty(result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join(", "));
  }
  const unknown = Object.keys(result.data).filter((key) => !known.has(key));
  return {
    config: result.data,
    problems: unknown.map(
      (key) => `cloud-config schema: Additional properties are not allowed ('${key}' was unexpected)`,
    ),
  };
}

/** The shell script that cloud-init makes of `runcmd` or `bootcmd`: strings as they are, lists quoted word by word. */
export function shellify(commands: readonly (string | string[])[]): string {
  const lines = commands.map((one) => (typeof one === "string" ? one : one.map(quote).join(" ")));
  return `#!/bin/sh\n${lines.join("\n")}\n`;
}

/** One word for a POSIX shell. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
