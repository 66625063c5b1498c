/** Where the entry's state and keys are, as its stack file and the environment say. */
export interface Residence {
  /** `PULUMI_BACKEND_URL` or `pulumi login`'s URL; `undefined`: not known here, e.g. Pulumi Cloud by default. */
  readonly backendUrl: string | undefined;
  /** `secretsprovider` of the stack file; `undefined`: the backend's own, or a passphrase. */
  readonly secretsProvider: string | undefined;
  /** Regions that may be lost together with a site, e.g. `ap-northeast-2`. */
  readonly siteRegions: readonly string[];
}

/** What is wrong with a residence. */
export interface ResidenceProblem {
  readonly subject: "backend" | "secretsProvider";
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly fix: string;
}

/**
 * Whether the stack that takes users away from a lost region needs that region itself: its state, or the key its secrets are under.
 *
 * A multi-Region KMS key named by its replica elsewhere, Pulumi Cloud, Azure Blob storage, another region's bucket and a passphrase all
 * pass. What does not name its region is doubtful and a warning: an S3 bucket's region then follows whoever runs `pulumi`.
 */
export function residenceProblems({ backendUrl, secretsProvider, siteRegions }: Residence): ResidenceProblem[] {
  return [
    ...(backendUrl === undefined ? [] : backendProblems(backendUrl, siteRegions)),
    ...(secretsProvider === undefined ? [] : keyProblems(secretsProvider, siteRegions)),
  ];
}

function backendProblems(url: string, siteRegions: readonly string[]): ResidenceProblem[] {
  if (url.startsWith("file://")) {
    return [
      {
        subject: "backend",
        severity: "warning",
        message: "The state is a file on one machine, which may be in the region that is lost.",
        fix: "Keep it in Pulumi Cloud, in Azure Blob storage, or in a bucket of another region.",
      },
    ];
  }
  if (!url.startsWith("s3://")) return [];
  const query = queryOf(url);
  // The query says where the call goes; what a bucket is called says nothing.
  const named = query.get("region") ?? arnRegion(url) ?? endpointRegion(query.get("endpoint") ?? "");
  return judge("backend", "The state", named === undefined ? [] : [named], siteRegions);
}

function keyProblems(provider: string, siteRegions: readonly string[]): ResidenceProblem[] {
  if (!provider.startsWith("awskms://")) return [];
  // Both must be elsewhere: KMS answers for a key of another region with an error.
  const named = [queryOf(provider).get("region"), arnRegion(provider)];
  return judge("secretsProvider", "The key", named, siteRegions);
}

const fixes = {
  backend: "Use a bucket elsewhere: s3://bucket?region=us-west-2, or azblob://container.",
  secretsProvider: "Use a passphrase, or a multi-Region key by its replica: awskms:///arn:aws:kms:us-west-2:...",
} as const satisfies Record<ResidenceProblem["subject"], string>;

function judge(
  subject: ResidenceProblem["subject"],
  what: string,
  named: readonly (string | null | undefined)[],
  siteRegions: readonly string[],
): ResidenceProblem[] {
  const fix = fixes[subject];
  const lost = named.find((region) => typeof region === "string" && siteRegions.includes(region));
  if (lost) return [{ subject, severity: "error", message: `${what} is in ${lost}, which may be lost.`, fix }];
  return named.some((region) => region)
    ? []
    : [{ subject, severity: "warning", message: `${what} names no region, so it may be in one that is lost.`, fix }];
}

function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(url.split("?").slice(1).join("?"));
}

/** The fourth field of an ARN: `arn:aws:kms:ap-northeast-2:111122223333:key/...`. */
function arnRegion(url: string): string | undefined {
  return /\barn:aws[a-z-]*:[a-z0-9-]+:([a-z0-9-]+):/.exec(url)?.[1];
}

/** `s3.ap-northeast-2.amazonaws.com`, with or without a scheme. */
function endpointRegion(endpoint: string): string | undefined {
  return /\bs3[.-]([a-z0-9-]+)\.amazonaws\.com/.exec(endpoint)?.[1];
}
