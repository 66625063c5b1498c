import { describe, expect, it } from "vitest";
import { residenceProblems } from "../../components/entry/residence.ts";

const siteRegions = ["ap-northeast-2"];
const verdict = (backendUrl: string | undefined, secretsProvider: string | undefined) =>
  residenceProblems({ backendUrl, secretsProvider, siteRegions }).map(
    ({ subject, severity }) => `${subject} ${severity}`,
  );

describe("where the state may be", () => {
  it.each([
    [undefined, []],
    ["https://api.pulumi.com", []],
    ["azblob://state?storage_account=busan", []],
    ["gs://state", []],
    ["s3://state?region=us-west-2", []],
    // The query says where the call goes; a bucket's name says nothing.
    ["s3://state-of-ap-northeast-2?region=us-west-2&awssdk=v2", []],
    ["s3://state?endpoint=s3.us-west-2.amazonaws.com", []],
    ["s3://state?region=ap-northeast-2", ["backend error"]],
    ["s3://state?awssdk=v2&region=ap-northeast-2", ["backend error"]],
    ["s3://state?endpoint=https://s3.ap-northeast-2.amazonaws.com", ["backend error"]],
    ["s3://arn:aws:s3:ap-northeast-2:111122223333:accesspoint/state", ["backend error"]],
    ["s3://state", ["backend warning"]],
    ["file://~", ["backend warning"]],
    ["file:///var/state", ["backend warning"]],
  ])("%s: %j", (url, expected) => {
    expect(verdict(url, undefined)).toEqual(expected);
  });
});

describe("where the key may be", () => {
  const key = "111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  it.each([
    [undefined, []],
    ["passphrase", []],
    ["azurekeyvault://busan.vault.azure.net/keys/pulumi", []],
    ["awskms://alias/pulumi?region=us-west-2", []],
    ["awskms://alias/pulumi-ap-northeast-2?region=us-west-2", []],
    [`awskms:///arn:aws:kms:us-west-2:${key}`, []],
    ["awskms://alias/pulumi?region=ap-northeast-2", ["secretsProvider error"]],
    [`awskms:///arn:aws:kms:ap-northeast-2:${key}`, ["secretsProvider error"]],
    // KMS in Oregon does not know a key of Seoul.
    [`awskms:///arn:aws:kms:ap-northeast-2:${key}?region=us-west-2`, ["secretsProvider error"]],
    ["awskms://1234abcd-12ab-34cd-56ef-1234567890ab", ["secretsProvider warning"]],
  ])("%s: %j", (provider, expected) => {
    expect(verdict(undefined, provider)).toEqual(expected);
  });
});

it("accepts any region while no site of ours is in one", () => {
  const residence = { backendUrl: "s3://state?region=ap-northeast-2", secretsProvider: undefined, siteRegions: [] };
  expect(residenceProblems(residence)).toEqual([]);
});

it("says what to write instead", () => {
  const [problem] = residenceProblems({
    backendUrl: "s3://s?region=ap-northeast-2",
    secretsProvider: undefined,
    siteRegions,
  });
  expect(problem?.message).toContain("ap-northeast-2");
  expect(problem?.fix).toContain("s3://bucket?region=us-west-2");
});
