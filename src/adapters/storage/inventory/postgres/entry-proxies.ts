// What the proxies of entries acknowledged, of all of a page at once.
import type { InventoryEntry } from '../../../../domain/inventory/entry.ts';
import type { PostgresPool } from '../../postgres/connection/postgres-pool.ts';
import { proxyFrom } from '../../readings/evidence-records.ts';
import { acknowledgedIn } from '../acknowledged.ts';
import { SELECT_PROXIES_OF } from './inventory-statements.ts';

/** @param own id of the server's cluster. @returns the entries, each with the newest bundle that one of its proxies acknowledged. */
export async function acknowledgedBy(
  pool: PostgresPool,
  own: string,
  entries: readonly InventoryEntry[],
  options: { readonly signal: AbortSignal },
): Promise<readonly InventoryEntry[]> {
  if (entries.length === 0) return entries;
  const asked = entries.flatMap((entry) => keysOfProxies(entry, own));
  const rows = await pool.query(SELECT_PROXIES_OF, [JSON.stringify(asked)], options);
  const notes = Map.groupBy(rows, ({ ofCluster, identity, podUid }) => JSON.stringify([ofCluster, identity, podUid]));
  return entries.map((entry) => {
    const { identity, cluster, podUid = '' } = entry;
    const its = notes.get(JSON.stringify([cluster, identity, podUid])) ?? [];
    const acknowledged = acknowledgedIn(its.map(proxyFrom));
    return acknowledged === undefined ? entry : { ...entry, acknowledged };
  });
}

/** To who wrote the note the cluster was its own, empty, or a remote one by its id; a pod is told by its UID whichever it was. */
function keysOfProxies({ identity, cluster, podUid = '' }: InventoryEntry, own: string) {
  const maySayOwn = cluster === own || podUid !== '';
  const names = maySayOwn ? [cluster, ''] : [cluster];
  return names.map((remoteCluster) => ({ identity, cluster, remoteCluster, podUid }));
}
