// Durations as operators write them: a whole number and one unit.

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns milliseconds of a text such as `30s`, `10m`, `1h` or `7d`, or why it is not a duration. */
export function parseDuration(text: string): number | { readonly problem: string } {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return { problem: `${JSON.stringify(text)} is not a duration; write 30s, 10m, 1h or 7d` };
  return Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS];
}

/** @returns the shortest text that `parseDuration` reads back as `ms`. */
export function formatDuration(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((candidate) => ms > 0 && ms % UNITS_MS[candidate] === 0) ?? 'ms';
  return `${ms / UNITS_MS[unit]}${unit}`;
}
