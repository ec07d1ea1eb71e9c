// What operators are shown of the newest records.
import {
  MAX_GROUPS,
  MAX_RECORDS,
  type AskedRefusals,
  type LatelyRefused,
  type RecordsParts,
} from '../../../adapters/http/admin/records/administer-records.ts';
import type { DecisionRecord, RefusedRecord } from '../../../ports/storage/issuance-journal.ts';
import type { NewestRecords } from '../../../ports/storage/operation-journal.ts';
import { namespaceOf, refusalGroups, type RefusalGroup } from '../../../review/explain/refusal-groups.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';

/** Refusals of all that are looked through for a team: some tens of milliseconds of the store, none of what signs. */
const MAX_LOOKED_THROUGH = 20_000;

export function composeRecordAdministration(
  { clock, running: signal }: Foundation,
  { newest }: Pick<Storage, 'newest'>,
): RecordsParts {
  const refusals = async (asked: AskedRefusals): Promise<LatelyRefused<RefusalGroup>> => {
    const asOfMs = clock.nowMs();
    const { found, sinceMs } = await refusedLately(newest, asked, { signal });
    const groups = refusalGroups(found);
    return { asOfMs, sinceMs, groups: groups.slice(0, MAX_GROUPS), hidden: Math.max(0, groups.length - MAX_GROUPS) };
  };
  return { refusals, operations: async (limit) => newest.operations({ limit }, { signal }) };
}

/**
 * Of a team its own, behind those of others: a namespace that is refused by the thousand would otherwise be all that is looked at.
 * @returns newest first, and back to when.
 */
async function refusedLately(
  newest: Pick<NewestRecords, 'list' | 'refusedIn'>,
  { sinceMs, namespaces }: AskedRefusals,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly found: readonly RefusedRecord[]; readonly sinceMs: number }> {
  if (namespaces === undefined) {
    const records = await newest.list({ outcome: 'refused', sinceMs, limit: MAX_RECORDS }, options);
    return within(records, sinceMs);
  }
  const question = { namespaces, sinceMs, among: MAX_LOOKED_THROUGH, limit: MAX_RECORDS };
  const looked = await newest.refusedIn(question, options);
  const { found, sinceMs: foundSinceMs } = within(looked.records, looked.sinceMs);
  // By the identity that policy judged, whatever the store went by.
  return { found: found.filter((record) => namespaces.includes(namespaceOf(record) ?? '')), sinceMs: foundSinceMs };
}

/** Where there may be more, they go back to the oldest of them. */
function within(
  records: readonly DecisionRecord[],
  sinceMs: number,
): { readonly found: readonly RefusedRecord[]; readonly sinceMs: number } {
  const found = records.filter((record) => record.outcome === 'refused');
  return { found, sinceMs: found.length < MAX_RECORDS ? sinceMs : (found.at(-1)?.timeMs ?? sinceMs) };
}
