/** What a node needs to join: minted for it alone, on a control plane, at most two hours old. Secret. */
export interface Ticket {
  readonly token: string;
  /** `sha256:` and the hash of the cluster CA's public key. */
  readonly caHash: string;
  /** Control planes only: opens the certificates in the cluster that they share. */
  readonly certificateKey?: string;
}

const forms: Readonly<Record<keyof Ticket, RegExp>> = {
  token: /^token ([a-z0-9]{6}\.[a-z0-9]{16})$/m,
  caHash: /^ca-hash (sha256:[0-9a-f]{64})$/m,
  certificateKey: /^certificate-key ([0-9a-f]{64})$/m,
};

/**
 * Reads what a ticket step printed.
 *
 * @returns `undefined` for `none`: the control plane that was asked knows of no cluster, so there is none to join.
 * @throws RangeError without showing the text, which may hold half a secret.
 */
export function parseTicket(text: string): Ticket | undefined {
  if (text.trim() === "none") return undefined;
  const [token, caHash, certificateKey] = [forms.token, forms.caHash, forms.certificateKey].map(
    (form) => form.exec(text)?.[1],
  );
  if (token === undefined || caHash === undefined) {
    throw new RangeError("a ticket step printed no ticket. Run `pulumi up` again with --replace and the step's URN.");
  }
  return { token, caHash, ...(certificateKey === undefined ? {} : { certificateKey }) };
}
