import { type AwsType, type Fact, tunnelNames } from "./aws-type.ts";

const ruleEnds = {
  // ModifySecurityGroupRules changes a rule in place; only the group it belongs to is fixed.
  keeps: ["cidrIpv4", "cidrIpv6", "fromPort", "toPort", "ipProtocol", "prefixListId", "referencedSecurityGroupId"],
};
/** -1 stands for "all" with ICMP. */
const rulePort: Fact = { min: -1, max: 65535 };
const autoNamed = ["name", "namePrefix"];
// An Elastic Load Balancing name: 1-32 letters, digits and hyphens, no hyphen at either end, not `internal-` first.
const balancerName: Fact = { pattern: "^(?!internal-)(?!-)[a-zA-Z0-9-]{1,32}(?<!-)$" };

/**
 * The types the stand-in knows. Replacement follows the provider where it differs from CloudFormation
 * (github.com/hashicorp/terraform-provider-aws, `ForceNew` in internal/service/{ec2,elbv2,iam,kms,route53}).
 */
export const awsTypes: readonly AwsType[] = [
  {
    file: "ec2/vpc",
    spec: "EC2::VPC",
    facts: { instanceTenancy: { values: ["default", "dedicated"] } },
  },
  { file: "ec2/internetGateway", spec: "EC2::InternetGateway" },
  { file: "ec2/subnet", spec: "EC2::Subnet" },
  { file: "ec2/routeTable", spec: "EC2::RouteTable" },
  { file: "ec2/route", spec: "EC2::Route" },
  {
    file: "ec2/routeTableAssociation",
    spec: "EC2::SubnetRouteTableAssociation",
    // ReplaceRouteTableAssociation moves a subnet to another table.
    keeps: ["routeTableId"],
    replaces: ["gatewayId"],
  },
  {
    file: "ec2/eip",
    spec: "EC2::EIP",
    replaces: ["publicIpv4Pool", "customerOwnedIpv4Pool"],
    facts: { domain: { values: ["vpc", "standard"] } },
  },
  { file: "ec2/natGateway", spec: "EC2::NatGateway", names: { privateIp: "PrivateIpAddress" } },
  {
    file: "ec2/networkInterface",
    spec: "EC2::NetworkInterface",
    names: { securityGroups: "GroupSet" },
    facts: { interfaceType: { values: ["efa", "efa-only", "branch", "trunk"] } },
  },
  {
    file: "ec2/instance",
    spec: "EC2::Instance",
    names: {
      ami: "ImageId",
      placementGroup: "PlacementGroupName",
      privateIp: "PrivateIpAddress",
      "rootBlockDevice.kmsKeyId": "BlockDeviceMappings.Ebs.KmsKeyId",
    },
    replaces: [
      "tenancy",
      "associatePublicIpAddress",
      "ebsBlockDevices",
      "ephemeralBlockDevices",
      "hibernation",
      "primaryNetworkInterface",
      "rootBlockDevice.encrypted",
    ],
    facts: {
      "metadataOptions.httpPutResponseHopLimit": { min: 1, max: 64 },
      "rootBlockDevice.volumeType": { values: ["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"] },
      "ebsBlockDevices.volumeType": { values: ["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"] },
      instanceInitiatedShutdownBehavior: { values: ["stop", "terminate"] },
      // The documentation's list is for dedicated hosts too.
      tenancy: { values: ["default", "dedicated", "host"] },
      // Raw bytes, before base64: docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html.
      userData: { maxLength: 16_384 },
      // 16,384 raw bytes are 21,848 characters of base64.
      userDataBase64: {
        maxLength: 21_848,
        pattern: "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
      },
    },
  },
  { file: "ec2/volumeAttachment", spec: "EC2::VolumeAttachment", names: { deviceName: "Device" } },
  { file: "ec2/keyPair", spec: "EC2::KeyPair", names: { publicKey: "PublicKeyMaterial" }, replaces: ["keyNamePrefix"] },
  {
    file: "ec2/customerGateway",
    spec: "EC2::CustomerGateway",
    facts: {
      type: { values: ["ipsec.1"] },
      // A string in the SDK. 1 to 4294967295 (CreateCustomerGateway, BgpAsn and BgpAsnExtended).
      bgpAsn: { pattern: "^[1-9][0-9]{0,9}$" },
      bgpAsnExtended: { pattern: "^[1-9][0-9]{9}$" },
    },
  },
  {
    file: "ec2/vpnConnection",
    spec: "EC2::VPNConnection",
    names: { ...tunnelNames(1), ...tunnelNames(2) },
    // ModifyVpnConnection(Options) and ModifyVpnTunnelOptions change these in place.
    keeps: [
      "customerGatewayId",
      "transitGatewayId",
      "vpnGatewayId",
      "localIpv4NetworkCidr",
      "localIpv6NetworkCidr",
      "remoteIpv4NetworkCidr",
      "remoteIpv6NetworkCidr",
      "presharedKeyStorage",
      "transportTransitGatewayAttachmentId",
    ],
    facts: {
      type: { values: ["ipsec.1"] },
      // The documentation's own sentence is "8 to 64 characters, alphanumeric, period, underscore, not starting with 0".
      tunnel1PresharedKey: { pattern: "^(?!0)[A-Za-z0-9._]{8,64}$" },
      tunnel2PresharedKey: { pattern: "^(?!0)[A-Za-z0-9._]{8,64}$" },
      tunnel1RekeyMarginTimeSeconds: { min: 60, max: 1800 },
      tunnel2RekeyMarginTimeSeconds: { min: 60, max: 1800 },
      tunnel1DpdTimeoutSeconds: { min: 30 },
      tunnel2DpdTimeoutSeconds: { min: 30 },
    },
  },
  {
    file: "ec2/vpcEndpoint",
    spec: "EC2::VPCEndpoint",
    facts: {
      vpcEndpointType: { values: ["Gateway", "GatewayLoadBalancer", "Interface", "Resource", "ServiceNetwork"] },
    },
  },
  {
    file: "ec2/securityGroup",
    spec: "EC2::SecurityGroup",
    names: { name: "GroupName", description: "GroupDescription" },
    replaces: ["namePrefix"],
    facts: {
      // CreateSecurityGroup, GroupName and GroupDescription: up to 255 of these characters, a name not `sg-` first.
      name: { pattern: "^(?!sg-)[a-zA-Z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,255}$" },
      description: { pattern: "^[a-zA-Z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,255}$" },
      "ingress.fromPort": rulePort,
      "ingress.toPort": rulePort,
      "egress.fromPort": rulePort,
      "egress.toPort": rulePort,
    },
  },
  { file: "ec2/defaultSecurityGroup", replaces: ["vpcId"] },
  {
    file: "ec2/flowLog",
    spec: "EC2::FlowLog",
    names: { iamRoleArn: "DeliverLogsPermissionArn" },
    replaces: ["eniId", "subnetId", "vpcId", "transitGatewayId", "transitGatewayAttachmentId", "regionalNatGatewayId"],
    facts: { maxAggregationInterval: { values: [60, 600] } },
  },
  { file: "ec2/vpcDhcpOptions", spec: "EC2::DHCPOptions" },
  { file: "ec2/vpcDhcpOptionsAssociation", spec: "EC2::VPCDHCPOptionsAssociation", keeps: ["dhcpOptionsId"] },
  {
    file: "ebs/volume",
    spec: "EC2::Volume",
    replaces: ["availabilityZone", "encrypted", "kmsKeyId", "outpostArn", "snapshotId", "multiAttachEnabled"],
    facts: { type: { values: ["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"] } },
  },
  {
    file: "vpc/securityGroupIngressRule",
    spec: "EC2::SecurityGroupIngress",
    names: { securityGroupId: "GroupId" },
    keeps: ruleEnds.keeps,
    facts: { fromPort: rulePort, toPort: rulePort },
  },
  {
    file: "vpc/securityGroupEgressRule",
    spec: "EC2::SecurityGroupEgress",
    names: { securityGroupId: "GroupId" },
    keeps: ruleEnds.keeps,
    facts: { fromPort: rulePort, toPort: rulePort },
  },
  { file: "ec2transitgateway/transitGateway", spec: "EC2::TransitGateway" },
  {
    file: "ec2transitgateway/vpcAttachment",
    spec: "EC2::TransitGatewayVpcAttachment",
    // ModifyTransitGatewayVpcAttachment adds and removes subnets.
    keeps: ["subnetIds"],
  },
  { file: "ec2transitgateway/routeTable", spec: "EC2::TransitGatewayRouteTable" },
  { file: "ec2transitgateway/route", spec: "EC2::TransitGatewayRoute" },
  { file: "ec2transitgateway/routeTableAssociation", spec: "EC2::TransitGatewayRouteTableAssociation" },
  { file: "ec2transitgateway/routeTablePropagation", spec: "EC2::TransitGatewayRouteTablePropagation" },
  {
    file: "lb/loadBalancer",
    spec: "ElasticLoadBalancingV2::LoadBalancer",
    names: { loadBalancerType: "Type", internal: "Scheme" },
    replaces: ["namePrefix", "customerOwnedIpv4Pool"],
    facts: {
      name: balancerName,
      loadBalancerType: { values: ["application", "gateway", "network"] },
      ipAddressType: { values: ["ipv4", "dualstack", "dualstack-without-public-ipv4"] },
      dnsRecordClientRoutingPolicy: {
        values: ["any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"],
      },
    },
  },
  {
    file: "lb/targetGroup",
    spec: "ElasticLoadBalancingV2::TargetGroup",
    replaces: ["namePrefix"],
    facts: {
      name: balancerName,
      port: { min: 1, max: 65535 },
      protocol: { values: ["GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP", "QUIC", "TCP_QUIC"] },
      targetType: { values: ["instance", "ip", "lambda", "alb"] },
      ipAddressType: { values: ["ipv4", "ipv6"] },
      // Nullable booleans are strings in this provider.
      preserveClientIp: { values: ["true", "false"] },
      loadBalancingCrossZoneEnabled: { values: ["true", "false", "use_load_balancer_configuration"] },
      deregistrationDelay: { min: 0, max: 3600 },
      "healthCheck.healthyThreshold": { min: 2, max: 10 },
      "healthCheck.unhealthyThreshold": { min: 2, max: 10 },
      "healthCheck.interval": { min: 5, max: 300 },
      "healthCheck.timeout": { min: 2, max: 120 },
      "healthCheck.protocol": { values: ["HTTP", "HTTPS", "TCP"] },
      "healthCheck.port": { pattern: "^(traffic-port|[1-9][0-9]{0,4})$" },
      "healthCheck.path": { pattern: "^/", maxLength: 1024 },
      // The SDK's documentation spells these values as if they were property names.
      "stickiness.type": {
        values: ["lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"],
      },
      "targetFailovers.onDeregistration": { values: ["rebalance", "no_rebalance"] },
      "targetFailovers.onUnhealthy": { values: ["rebalance", "no_rebalance"] },
    },
  },
  {
    file: "lb/targetGroupAttachment",
    replaces: ["targetGroupArn", "targetId", "port", "availabilityZone", "quicServerId"],
  },
  {
    file: "lb/listener",
    spec: "ElasticLoadBalancingV2::Listener",
    facts: {
      port: { min: 1, max: 65535 },
      protocol: { values: ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC", "GENEVE"] },
      "defaultActions.type": {
        values: [
          "forward",
          "redirect",
          "fixed-response",
          "authenticate-cognito",
          "authenticate-oidc",
          "jwt-validation",
        ],
      },
      tcpIdleTimeoutSeconds: { min: 60, max: 6000 },
      "defaultActions.fixedResponse.statusCode": { pattern: "^[245][0-9]{2}$" },
      // Sentences that are no lists of all values.
      routingHttpResponseAccessControlMaxAgeHeaderValue: { pattern: "^[0-9]{1,5}$" },
      routingHttpResponseAccessControlAllowMethodsHeaderValue: {},
    },
  },
  {
    file: "iam/role",
    spec: "IAM::Role",
    names: { name: "RoleName", assumeRolePolicy: "AssumeRolePolicyDocument" },
    replaces: ["namePrefix"],
    facts: {
      name: { pattern: "^[\\w+=,.@-]{1,64}$" },
      path: { pattern: "^/(.+/)?$" },
      maxSessionDuration: { min: 3600, max: 43_200 },
    },
  },
  {
    file: "iam/rolePolicy",
    spec: "IAM::RolePolicy",
    replaces: [...autoNamed, "role"],
    facts: { name: { pattern: "^[\\w+=,.@-]{1,128}$" } },
  },
  {
    file: "iam/rolePolicyAttachment",
    replaces: ["role", "policyArn"],
    facts: { policyArn: { pattern: "^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+$" } },
  },
  {
    file: "iam/instanceProfile",
    spec: "IAM::InstanceProfile",
    replaces: autoNamed,
    facts: { name: { pattern: "^[\\w+=,.@-]{1,128}$" }, path: { pattern: "^/(.+/)?$" } },
  },
  {
    file: "kms/key",
    spec: "KMS::Key",
    names: { customerMasterKeySpec: "KeySpec" },
    replaces: ["customerMasterKeySpec", "keyUsage", "multiRegion", "customKeyStoreId", "xksKeyId"],
    facts: { deletionWindowInDays: { min: 7, max: 30 }, rotationPeriodInDays: { min: 90, max: 2560 } },
  },
  {
    file: "kms/alias",
    spec: "KMS::Alias",
    names: { name: "AliasName" },
    replaces: ["namePrefix"],
    facts: { name: { pattern: "^alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}$" } },
  },
  { file: "route53/zone", spec: "Route53::HostedZone", replaces: ["delegationSetId"] },
  {
    file: "route53/healthCheck",
    spec: "Route53::HealthCheck",
    names: Object.fromEntries(
      ["type", "requestInterval", "measureLatency"].map((name) => [
        name,
        `HealthCheckConfig.${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      ]),
    ),
    replaces: ["referenceName"],
    facts: {
      port: { min: 1, max: 65535 },
      failureThreshold: { min: 1, max: 10 },
      // Route 53 offers exactly two intervals.
      requestInterval: { values: [10, 30] },
      resourcePath: { maxLength: 255 },
      searchString: { maxLength: 255 },
    },
  },
  {
    file: "route53/record",
    spec: "Route53::RecordSet",
    names: { name: "Name", zoneId: "HostedZoneId" },
    facts: {
      "failoverRoutingPolicies.type": { values: ["PRIMARY", "SECONDARY"] },
      "weightedRoutingPolicies.weight": { min: 0, max: 255 },
      ttl: { min: 0, max: 2_147_483_647 },
    },
  },
  {
    file: "s3/bucket",
    spec: "S3::Bucket",
    names: { bucket: "BucketName" },
    replaces: ["bucketPrefix"],
    // docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    facts: { bucket: { pattern: "^(?!xn--|sthree-|amzn-s3-demo-)(?!.*\\.\\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$" } },
  },
];
