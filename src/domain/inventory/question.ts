// What is asked of the inventory: conditions that all have to hold, and in which order the answer comes. A page begins behind the
// last entry of the one before, so that what comes and goes meanwhile neither hides nor repeats another.
import type { InventoryEntry, InventoryState } from './entry.ts';

export interface InventoryConditions {
  readonly identity?: string;
  /** Of its certificate, or of one before it that is not over yet. */
  readonly serial?: string;
  readonly podName?: string;
  readonly podUid?: string;
  readonly nodeName?: string;
  readonly namespace?: string;
  /** Id of the issuer. */
  readonly issuer?: string;
  readonly issuerName?: string;
  readonly trustAnchor?: string;
  readonly cluster?: string;
  readonly policyRevision?: string;
  /** Absent, all but what has ended; also that of one identity, pod or serial. */
  readonly state?: InventoryState;
  /** Only certificates that end before this moment, in ms since the epoch. */
  readonly endsBeforeMs?: number;
}

/** By name; those that end, or are late, first; those that ended last. */
export const INVENTORY_ORDERS = ['identity', 'end', 'overdue', 'ended'] as const;
export type InventoryOrder = (typeof INVENTORY_ORDERS)[number];

/** Behind which entry a page begins. */
export interface InventoryPlace {
  readonly order: InventoryOrder;
  /** The moment by which it is ordered; absent in that of names. */
  readonly atMs?: number;
  readonly identity: string;
  readonly cluster: string;
  readonly podUid: string;
}

/** An order that the conditions can be answered in without going through everything. */
export function orderOf(conditions: InventoryConditions): InventoryOrder {
  const { state, endsBeforeMs } = conditions;
  if (isOfOne(conditions)) return 'identity';
  if (state === 'ended') return 'ended';
  if (state === 'overdue') return 'overdue';
  return endsBeforeMs === undefined ? 'identity' : 'end';
}

/** Whether what has ended is looked for too, unless a state is asked for. */
export function isOfOne(conditions: {
  readonly [Name in 'identity' | 'serial' | 'podName' | 'podUid']?: string | undefined;
}): boolean {
  const { identity, serial, podName, podUid } = conditions;
  return [identity, serial, podName, podUid].some((one) => one !== undefined);
}

export function placeOf(entry: InventoryEntry, order: InventoryOrder): InventoryPlace {
  const { identity, cluster, podUid = '', notAfterMs, overdueMs, end } = entry;
  const atMs = { identity: undefined, end: notAfterMs, overdue: overdueMs, ended: end?.atMs ?? 0 }[order];
  return { order, ...(atMs !== undefined && { atMs }), identity, cluster, podUid };
}
