// The inventory as operators ask for it: what is derived from the journal, judged by the clock and by the bans in force.
import type { InventoryEntry, InventoryState } from '../../domain/inventory/entry.ts';
import { stateOf } from '../../domain/inventory/entry.ts';
import { orderOf, placeOf, type InventoryConditions, type InventoryPlace } from '../../domain/inventory/question.ts';
import type { BanLedger } from '../../domain/revocation/ban-ledger.ts';
import { revocationsBy } from '../../domain/revocation/revoked-leaves.ts';
import type { ExcusedTime } from '../../domain/trust/interruption.ts';
import {
  MAX_PAGE,
  type Inventory,
  type InventoryPage,
  type InventoryQuestion,
} from '../../ports/inventory/inventory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { pageOfNamespaces } from './several-namespaces.ts';

export interface InventoryOverviewParts {
  readonly inventory: Inventory;
  readonly bans: Pick<FollowedLedger<BanLedger>, 'current'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** In which who had to renew could not. */
  readonly excused: () => readonly ExcusedTime[];
}

export interface InventoryRow extends InventoryEntry {
  readonly state: InventoryState;
  /** When a ban hit its certificate first, in ms since the epoch; also after its end. */
  readonly revokedMs?: number;
}

export interface InventoryRows {
  /** By when the states are told, and as of when the rest is; absent before the journal was read. */
  readonly nowMs: number;
  readonly asOfMs?: number;
  /** Fewer than were asked for does not mean that there are no more. */
  readonly rows: readonly InventoryRow[];
  readonly next?: InventoryPlace;
}

export interface InventoryPageRequest {
  readonly conditions: InventoryConditions;
  readonly after?: InventoryPlace;
  readonly limit: number;
  /** Only what is of these is shown; absent, all. */
  readonly namespaces?: readonly string[];
  /** As of `InventoryQuestion`. */
  readonly acknowledged?: boolean;
}

/** Of the inventory, that one answer is looked for in when those before had nobody. */
const MAX_PAGES = 10;

/**
 * @param settings.cluster the server's own.
 * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be told now; `policy_denied` (CAP-O01) for a namespace
 *   that is not shown; the signal's reason.
 */
export async function inventoryOverview(
  { inventory, bans, clock, excused: known }: InventoryOverviewParts,
  { cluster: own }: { readonly cluster: string },
  { conditions, after, limit, namespaces, acknowledged = true }: InventoryPageRequest,
  options: { readonly signal: AbortSignal },
): Promise<InventoryRows> {
  const nowMs = clock.nowMs();
  const most = Math.min(limit, MAX_PAGE);
  const excused = known();
  const banned = bans.current().bans;
  const revocationOf = revocationsBy(banned);
  const rowOf = (entry: InventoryEntry): InventoryRow => {
    const { issuedMs: timeMs, proofId = '', cluster, identity, serial, issuer, notAfterMs, nodeName } = entry;
    const leaf = { timeMs, identity, serial, issuer, notAfterMs, proofId };
    const where = { ...(nodeName !== undefined && { nodeName }), ...(cluster !== own && { remoteCluster: cluster }) };
    const revoked = revocationOf({ ...leaf, ...where });
    const state = stateOf(entry, { nowMs, isRevoked: revoked !== undefined, excused });
    return { ...entry, state, ...(revoked && { revokedMs: revoked.revokedMs }) };
  };
  const { state: wanted } = conditions;
  // Of those that live few are revoked, and only here it is known who; without a ban nobody is, and one tells as of when.
  const isNobody = wanted === 'revoked' && banned.length === 0;
  const looked = isNobody ? 1 : wanted === 'revoked' ? MAX_PAGE : most;
  const rowsOf = async (from?: InventoryPlace): Promise<Found> => {
    const question = { conditions, limit: looked, nowMs, excused, acknowledged, ...(from && { after: from }) };
    const page = await pageOf(inventory, question, namespaces, options);
    return { page, rows: page.entries.map(rowOf).filter(({ state }) => wanted === undefined || state === wanted) };
  };
  let found = await rowsOf(after);
  const maxPages = isNobody ? 1 : MAX_PAGES;
  for (let pages = 1; found.rows.length === 0 && found.page.next !== undefined && pages < maxPages; pages += 1) {
    found = await rowsOf(found.page.next);
  }
  const rows = found.rows.slice(0, most);
  const last = found.rows.length > most ? rows.at(-1) : undefined;
  const behind = last === undefined ? found.page.next : placeOf(last, orderOf(conditions));
  const next = isNobody ? undefined : behind;
  const { asOfMs } = found.page;
  return { nowMs, rows, ...(asOfMs !== undefined && { asOfMs }), ...(next && { next }) };
}

interface Found {
  readonly page: InventoryPage;
  /** Those of its entries that were asked for. */
  readonly rows: readonly InventoryRow[];
}

async function pageOf(
  inventory: Inventory,
  question: InventoryQuestion,
  namespaces: readonly string[] | undefined,
  options: { readonly signal: AbortSignal },
): Promise<InventoryPage> {
  if (namespaces === undefined) return inventory.page(question, options);
  return pageOfNamespaces(inventory, question, namespaces, options);
}
