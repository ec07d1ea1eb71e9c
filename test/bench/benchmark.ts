// What main.ts runs: a benchmark measures all its sides in turn, round after round, so that a
// slow minute of the machine falls on every side alike.
import type { Material } from './material.ts';
import type { Row } from './measurement.ts';
import type { GoPrograms } from './yardsticks.ts';

export interface Context {
  readonly material: Material;
  /** Undefined where Go is absent. */
  readonly go: GoPrograms | undefined;
  /** Measured seconds per side and round. */
  readonly seconds: number;
  readonly rounds: number;
}

export interface Benchmark {
  /** Names of the rows it yields. */
  readonly rows: readonly string[];
  /** Whether the client that drives it is a Go program. */
  readonly needsGo: boolean;
  run(context: Context): Promise<readonly Row[]>;
}

/** Warm-up that each side discards before each measurement. */
export const WARM_UP_SECONDS = 1;

/** A duration as Go's flag package reads it. */
export function goDuration(seconds: number): string {
  return `${Math.round(seconds * 1000)}ms`;
}

/** Measures every side once per round, always in the same order. @returns all results by side. */
export async function inTurn<Sides extends Record<string, () => Promise<unknown>>>(
  rounds: number,
  sides: Sides,
): Promise<{ [Side in keyof Sides]: Awaited<ReturnType<Sides[Side]>>[] }> {
  const results: Record<string, unknown[]> = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [side, measure] of Object.entries(sides)) results[side]?.push(await measure());
  }
  return results as { [Side in keyof Sides]: Awaited<ReturnType<Sides[Side]>>[] };
}
