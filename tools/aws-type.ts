/** What no rule can derive about one resource type when its shape is generated. */
export interface AwsType {
  /** Path of the SDK file without extension, e.g. `ec2/instance`; the type token follows from it. */
  readonly file: string;
  /** The CloudFormation type that describes the same resource; absent where CloudFormation has none. */
  readonly spec?: string;
  /** SDK name (or path) -> CloudFormation name (or path), only where the naming rule of `aws-shapes.ts` does not find it. */
  readonly names?: Readonly<Record<string, string>>;
  /** SDK paths that replace the resource although CloudFormation does not say so. */
  readonly replaces?: readonly string[];
  /** SDK paths that the provider updates in place although CloudFormation would replace. */
  readonly keeps?: readonly string[];
  /** Facts that neither the specification nor the SDK's documentation gives in a form a program can read. */
  readonly facts?: Readonly<Record<string, Fact>>;
}

/** A constraint on one scalar, or on each element of a list. */
export interface Fact {
  readonly values?: readonly (string | number)[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** One tunnel's options, flattened by the SDK to `tunnel<N><Option>`. */
export function tunnelNames(tunnel: 1 | 2): Record<string, string> {
  const options = {
    DpdTimeoutAction: "DPDTimeoutAction",
    IkeVersions: "IKEVersions.Value",
    InsideCidr: "TunnelInsideCidr",
    InsideIpv6Cidr: "TunnelInsideIpv6Cidr",
    Phase1DhGroupNumbers: "Phase1DHGroupNumbers.Value",
    Phase2DhGroupNumbers: "Phase2DHGroupNumbers.Value",
    Phase1EncryptionAlgorithms: "Phase1EncryptionAlgorithms.Value",
    Phase2EncryptionAlgorithms: "Phase2EncryptionAlgorithms.Value",
    Phase1IntegrityAlgorithms: "Phase1IntegrityAlgorithms.Value",
    Phase2IntegrityAlgorithms: "Phase2IntegrityAlgorithms.Value",
    StartupAction: "StartupAction",
  };
  return Object.fromEntries(
    Object.entries(options).map(([sdk, spec]) => [`tunnel${tunnel}${sdk}`, `VpnTunnelOptionsSpecifications.${spec}`]),
  );
}
