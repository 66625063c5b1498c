/**
 * Leaf certificates by a job in the cluster: Helm itself would sign new ones on every upgrade and none in between. Renewed every fourth
 * month and valid for a year, so two missed runs hurt nobody.
 */
export const certificatesByJob = {
  enabled: true,
  method: "cronJob",
  /** Days. */
  certValidityDuration: 365,
  schedule: "0 0 1 */4 *",
} as const;
