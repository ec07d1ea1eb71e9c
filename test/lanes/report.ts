// What several runs of mocha say, one after the other, and what they come to: the sums at the end are written as mocha writes its own.
import type { Counts, MochaRun, Outcome } from './mocha-run.ts';

export interface NamedRun {
  readonly name: string;
  readonly run: MochaRun;
}

export interface ReportSettings {
  /** Whether a run without any test is well; otherwise it proves nothing and fails. */
  readonly mayBeEmpty: boolean;
  readonly write: (text: string | Buffer) => unknown;
}

/** Shows what the first says as it comes, then each other. @returns whether all of them were well. */
export async function reportOf(runs: readonly NamedRun[], { mayBeEmpty, write }: ReportSettings): Promise<boolean> {
  const outcomes: Outcome[] = [];
  const failed: string[] = [];
  for (const { name, run } of runs) {
    write(`\n== tests: ${name}\n`);
    run.show(write);
    const outcome = await run.ended();
    outcomes.push(outcome);
    const { passing, failing, pending } = outcome.counts;
    if (!outcome.ok) failed.push(`${name} failed`);
    else if (!mayBeEmpty && passing + failing + pending === 0) failed.push(`${name} ran no test`);
  }
  write(
    `\n== tests: all\n${sums(outcomes.map(({ counts }) => counts))}${failed.map((line) => `  ${line}\n`).join('')}`,
  );
  return failed.length === 0;
}

function sums(counts: readonly Counts[]): string {
  return (['passing', 'pending', 'failing'] as const)
    .map((word) => `  ${counts.reduce((sum, one) => sum + one[word], 0)} ${word}\n`)
    .join('');
}
