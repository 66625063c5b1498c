/** Modelled seconds per wall second: `GYEONGBU_SPEED`, 600 by default. */
export function speed(): number {
  const given = Number(process.env.GYEONGBU_SPEED ?? 600);
  return given > 0 ? given : 600;
}
