// What several runs of mocha say, one after the other, and what they come to: the sums at the end are written as mocha writes its own.
import type { Counts, MochaRun, Outcome } from './mocha-run.ts';

/** How many files may be run again. More that fail are no accident of a busy machine. */
export const AGAIN_AT_MOST = 3;

export interface NamedRun {
  readonly name: string;
  readonly run: MochaRun;
}

export interface ReportSettings {
  /** Whether a run without any test is well; otherwise it proves nothing and fails. */
  readonly mayBeEmpty: boolean;
  readonly write: (text: string | Buffer) => unknown;
  /** Runs files once more, alone: what failed beside everything else may have been starved. Without it nothing is run again. */
  readonly again?: (files: readonly string[]) => MochaRun;
}

interface Ended extends Outcome {
  readonly name: string;
}

/**
 * Shows what the first says as it comes, then each other. What failed is shown once more at the end, where nobody has to look for it,
 * also when it held the second time.
 *
 * @returns whether all of them were well, or held when they were run again.
 */
export async function reportOf(runs: readonly NamedRun[], settings: ReportSettings): Promise<boolean> {
  const { write } = settings;
  const ended: Ended[] = [];
  for (const one of runs) ended.push(await shown(one, write));
  const failed = ended.filter(({ ok }) => !ok);
  const heldAgain = await holdAgain(failed, settings);
  for (const { name, end } of failed) write(`\n== failed: ${name}\n${end}`);
  const problems = ended.flatMap((one) => problemOf(one, settings) ?? []);
  const lines = [...problems, ...(heldAgain ? [`and held when run again, alone: ${filesOf(failed).join(', ')}`] : [])];
  write(`\n== tests: all\n${sums(ended.map(({ counts }) => counts))}${lines.map((line) => `  ${line}\n`).join('')}`);
  return problems.length === 0 || (heldAgain && problems.length === failed.length);
}

async function shown({ name, run }: NamedRun, write: ReportSettings['write']): Promise<Ended> {
  write(`\n== tests: ${name}\n`);
  run.show(write);
  return { name, ...(await run.ended()) };
}

/** Not for a run that crashed, which names no file. */
async function holdAgain(failed: readonly Ended[], { again, write }: ReportSettings): Promise<boolean> {
  const files = filesOf(failed);
  const isAccident = failed.every(({ failedIn }) => failedIn.length > 0) && files.length <= AGAIN_AT_MOST;
  if (!again || files.length === 0 || !isAccident) return false;
  const { ok, counts } = await shown({ name: `again, alone: ${files.join(', ')}`, run: again(files) }, write);
  return ok && counts.passing > 0;
}

const filesOf = (failed: readonly Ended[]): readonly string[] => failed.flatMap(({ failedIn }) => failedIn);

function problemOf({ name, ok, counts }: Ended, { mayBeEmpty }: ReportSettings): string | undefined {
  if (!ok) return `${name} failed`;
  const { passing, failing, pending } = counts;
  return mayBeEmpty || passing + failing + pending > 0 ? undefined : `${name} ran no test`;
}

function sums(counts: readonly Counts[]): string {
  return (['passing', 'pending', 'failing'] as const)
    .map((word) => `  ${counts.reduce((sum, one) => sum + one[word], 0)} ${word}\n`)
    .join('');
}
