// What operators are shown of the newest records.
import {
  MAX_GROUPS,
  MAX_RECORDS,
  type AskedRefusals,
  type LatelyRefused,
  type RecordsParts,
} from '../../../adapters/http/admin/records/administer-records.ts';
import type { RefusedRecord } from '../../../ports/storage/issuance-journal.ts';
import type { NewestRecords } from '../../../ports/storage/operation-journal.ts';
import { namespaceOf, refusalGroups, type RefusalGroup } from '../../../review/explain/refusal-groups.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';

/** Of `MAX_RECORDS`, that are looked through for a team: some hundred milliseconds, in turns with others. */
const MAX_PAGES = 10;

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
  newest: Pick<NewestRecords, 'list'>,
  { sinceMs, namespaces }: AskedRefusals,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly found: readonly RefusedRecord[]; readonly sinceMs: number }> {
  const found = new Map<string, RefusedRecord>();
  let untilMs: number | undefined;
  for (let pages = namespaces === undefined ? 1 : MAX_PAGES; pages > 0; pages -= 1) {
    const query = {
      outcome: 'refused',
      sinceMs,
      limit: MAX_RECORDS,
      ...(untilMs !== undefined && { untilMs }),
    } as const;
    const page = (await newest.list(query, options)).filter((record) => record.outcome === 'refused');
    for (const record of page) if (isOf(record, namespaces)) found.set(record.decisionId, record);
    const oldest = page.at(-1);
    if (oldest === undefined || page.length < MAX_RECORDS) return { found: [...found.values()], sinceMs };
    // More in one moment than a page has: what is behind them is out of reach.
    if (oldest.timeMs === untilMs || found.size >= MAX_RECORDS) pages = 0;
    untilMs = oldest.timeMs;
  }
  return { found: [...found.values()], sinceMs: untilMs ?? sinceMs };
}

function isOf(record: RefusedRecord, namespaces: readonly string[] | undefined): boolean {
  return namespaces === undefined || namespaces.includes(namespaceOf(record) ?? '');
}
