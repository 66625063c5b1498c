import { type Kind, type Problem, type Properties, Refusal, type StandIn } from "../stand-in.ts";
import { balancingDefinitions } from "./balancing.ts";
import { computeDefinitions } from "./compute.ts";
import { dnsDefinitions } from "./dns.ts";
import { endpointDefinitions } from "./endpoints.ts";
import { identityDefinitions } from "./identity.ts";
import { interfaceDefinitions } from "./interfaces.ts";
import { networkDefinitions } from "./network.ts";
import { zoneIdOf, zonesOf } from "./references.ts";
import { accountId, type Definition, globalPlace, kindOf, regionOf } from "./resource.ts";
import { routeDefinitions } from "./routes.ts";
import { securityDefinitions } from "./security.ts";
import { nearestName, providerOptions, regions, sdkVersion } from "./shapes.ts";
import { targetDefinitions } from "./targets.ts";
import { transitDefinitions } from "./transit.ts";
import { volumeDefinitions } from "./volumes.ts";
import { vpnDefinitions } from "./vpn.ts";

const definitions: readonly Definition[] = [
  ...networkDefinitions,
  ...routeDefinitions,
  ...interfaceDefinitions,
  ...securityDefinitions,
  ...computeDefinitions,
  ...volumeDefinitions,
  ...balancingDefinitions,
  ...targetDefinitions,
  ...transitDefinitions,
  ...vpnDefinitions,
  ...identityDefinitions,
  ...dnsDefinitions,
  ...endpointDefinitions,
];
const kinds: ReadonlyMap<string, Kind> = new Map(
  definitions.map((definition) => [definition.type, kindOf(definition)]),
);
const globalTypes: ReadonlySet<string> = new Set(
  definitions.filter((definition) => definition.global).map(({ type }) => type),
);

function checkConfig(config: Properties): Problem[] {
  const unknown = Object.keys(config)
    .filter((key) => !providerOptions.includes(key))
    .map((key) => ({
      property: key,
      reason: `is no option of this provider; did you mean "${nearestName(key, providerOptions)}"?`,
    }));
  const region = config.region;
  if (region === undefined || region === "") {
    return [
      ...unknown,
      {
        property: "region",
        reason: "Missing region information: set it with `pulumi config set aws:region ap-northeast-2`",
      },
    ];
  }
  if (typeof region === "string" && !regions.includes(region)) {
    return [
      ...unknown,
      { property: "region", reason: `invalid AWS Region: ${region}; did you mean "${nearestName(region, regions)}"?` },
    ];
  }
  return unknown;
}

/** Data sources. The account and its zones are the same in every rehearsal. */
function invoke(token: string, args: Properties, region: string): Properties {
  switch (token) {
    case "aws:index/getAvailabilityZones:getAvailabilityZones": {
      const names = zonesOf(region);
      return {
        ...args,
        id: region,
        region,
        names,
        zoneIds: names.map(zoneIdOf),
        groupNames: [region],
      };
    }
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { id: accountId, accountId, arn: `arn:aws:iam::${accountId}:user/rehearsal`, userId: "AIDAREHEARSAL" };
    case "aws:index/getRegion:getRegion":
      return { id: region, region, name: region, description: region, endpoint: `ec2.${region}.amazonaws.com` };
    case "aws:index/getPartition:getPartition":
      return { id: "aws", partition: "aws", dnsSuffix: "amazonaws.com", reverseDnsPrefix: "com.amazonaws" };
    default:
      throw new Refusal(
        "UnknownFunction",
        `the rehearsal's aws has no function "${token}"; add it to rehearsal/aws/stand-in.ts`,
      );
  }
}

/** A stand-in for the `aws` plugin: one account, every region, the types of `data/shapes.json`. */
export const awsStandIn: StandIn = {
  name: "aws",
  version: sdkVersion,
  checkConfig,
  places: ({ type, config }, inputs) => [globalTypes.has(type) ? globalPlace : regionOf(inputs, config)],
  kind: (type) => kinds.get(type),
  invoke: (token, args, { config }) => invoke(token, args, regionOf(args, config)),
};
