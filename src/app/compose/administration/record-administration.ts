// What operators are shown of the newest records.
import {
  MAX_GROUPS,
  MAX_RECORDS,
  type AskedRefusals,
  type LatelyRefused,
  type RecordsParts,
} from '../../../adapters/http/admin/records/administer-records.ts';
import type { RefusedRecord } from '../../../ports/storage/issuance-journal.ts';
import { namespaceOf, refusalGroups, type RefusalGroup } from '../../../review/explain/refusal-groups.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';

export function composeRecordAdministration(
  { clock, running: signal }: Foundation,
  { newest }: Pick<Storage, 'newest'>,
): RecordsParts {
  const refusals = async ({ sinceMs, namespaces }: AskedRefusals): Promise<LatelyRefused<RefusalGroup>> => {
    const query = { outcome: 'refused', sinceMs, limit: MAX_RECORDS } as const;
    const asOfMs = clock.nowMs();
    const found = (await newest.list(query, { signal })).filter((record) => record.outcome === 'refused');
    const oldest = found.length < MAX_RECORDS ? undefined : found.at(-1);
    const groups = refusalGroups(found.filter((record) => isOf(record, namespaces)));
    return {
      asOfMs,
      sinceMs: oldest?.timeMs ?? sinceMs,
      groups: groups.slice(0, MAX_GROUPS),
      hidden: Math.max(0, groups.length - MAX_GROUPS),
    };
  };
  return { refusals, operations: async (limit) => newest.operations({ limit }, { signal }) };
}

function isOf(record: RefusedRecord, namespaces: readonly string[] | undefined): boolean {
  return namespaces === undefined || namespaces.includes(namespaceOf(record) ?? '');
}
