import type { Draft } from "./arm.ts";
import { invalidParameter } from "./arm.ts";
import { flagAt, objectAt, objectsAt, textAt } from "./fields.ts";

/** Longest custom data: 64 KiB, in Base64 (the message of compute itself). */
const customDataLimit = 87_380;

/** User names that Linux images refuse (learn.microsoft.com, virtual-machines-faq). */
const refusedUsers = new Set(
  "1 123 a actuser adm admin admin1 admin2 administrator aspnet backup console david guest john owner root server sql support support_388945a0 sys test test1 test2 test3 user user1 user2 user3 user4 user5".split(
    " ",
  ),
);

/** Refuses an OS profile that compute would: names, custom data, and any way in but SSH keys for a machine of ours. */
export function requireOsProfile({ inputs }: Draft): void {
  const profile = objectAt(inputs, "osProfile");
  const [computer, user] = [textAt(profile, "computerName"), textAt(profile, "adminUsername")];
  for (const [key, value] of Object.entries({ computerName: computer, adminUsername: user }))
    if (value === undefined) throw invalidParameter(`Required parameter 'osProfile.${key}' is missing (null).`);
  if (computer !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/.test(computer))
    throw invalidParameter(
      `Linux host name '${computer}' cannot exceed 64 characters in length or contain the following characters: . _ and others than letters, digits and hyphens.`,
    );
  if (user !== undefined && refusedUsers.has(user.toLowerCase()))
    throw invalidParameter(`The Admin Username specified is not allowed.`);
  for (const path of ["osProfile.customData", "userData"]) requireBase64(textAt(inputs, path));
  requireAccess(textAt(inputs, "osProfile.adminPassword"), user ?? "", inputs);
}

function requireBase64(data: string | undefined): void {
  if (data === undefined) return;
  const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  if (data.length <= customDataLimit && base64.test(data)) return;
  throw invalidParameter(
    `Custom data in OSProfile must be in Base64 encoding and with a maximum length of ${customDataLimit} characters.`,
  );
}

function requireAccess(password: string | undefined, user: string, inputs: Draft["inputs"]): void {
  const linux = objectAt(inputs, "osProfile.linuxConfiguration");
  const keys = objectsAt(linux, "ssh.publicKeys");
  if (!flagAt(linux, "disablePasswordAuthentication")) {
    if (password === undefined) throw invalidParameter("Required parameter 'adminPassword' is missing (null).");
    return;
  }
  if (password !== undefined)
    throw invalidParameter(
      "Authentication using SSH and by user name and password is ambiguous: osProfile.adminPassword is not allowed when linuxConfiguration.disablePasswordAuthentication is true.",
    );
  if (keys.length === 0)
    throw invalidParameter(
      "Authentication using either SSH or by user name and password must be enabled in Linux profile.",
    );
  for (const key of keys) {
    const home = `/home/${user}/.ssh/authorized_keys`;
    if (textAt(key, "path") !== home)
      throw invalidParameter(
        `Destination path for SSH public keys is currently limited to its default value ${home} due to a known issue in Linux provisioning agent.`,
      );
    if (!/^ssh-(rsa|ed25519) [A-Za-z0-9+/]+=*( .*)?$/.test(textAt(key, "keyData")?.trim() ?? ""))
      throw invalidParameter("The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid.");
  }
}
