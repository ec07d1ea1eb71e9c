// How a thread of the inventory answers, whatever happens to the file.
import type { ThreadAnswer } from '../../sqlite/answering-thread.ts';
import { JournalProblem } from '../../sqlite/file/journal-problem.ts';
import type { InventoryAnswer } from './inventory-protocol.ts';

/** SQLITE_CORRUPT and SQLITE_NOTADB (sqlite.org/rescode.html). */
const OF_NO_USE = [11, 26];

/** @param of what has the file open, by its name. */
export function answered(
  of: { readonly inventory: string; readonly startAnew: () => void },
  perform: () => InventoryAnswer,
): ThreadAnswer<InventoryAnswer> {
  try {
    return { ok: true, value: perform() };
  } catch (cause) {
    if (cause instanceof JournalProblem) return { ok: false, kind: cause.kind, problem: cause.message };
    const code = (cause as { readonly errcode?: number }).errcode ?? 0;
    if (OF_NO_USE.includes(code & 0xff)) of.startAnew();
    const problem = cause instanceof Error ? cause.message : 'failed';
    return { ok: false, kind: 'place', problem: `the inventory ${of.inventory} cannot be used: ${problem}` };
  }
}
