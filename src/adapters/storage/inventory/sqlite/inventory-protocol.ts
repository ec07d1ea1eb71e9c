// What the two threads of the inventory are asked.
import type { InventoryEntry } from '../../../../domain/inventory/entry.ts';
import type {
  EndsQuestion,
  InventoryPage,
  InventoryProgress,
  InventoryQuestion,
  NewPairsFound,
  NewPairsQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../../ports/inventory/inventory.ts';
import type { EndsPart } from '../entry-ends.ts';

/** Of whoever keeps it. */
export type KeepingRequest =
  | { readonly kind: 'follow'; readonly nowMs: number }
  | { readonly kind: 'overdue'; readonly question: OverdueQuestion }
  | { readonly kind: 'reportedOverdue'; readonly entries: readonly InventoryEntry[] }
  | { readonly kind: 'newPairs'; readonly question: NewPairsQuestion }
  | { readonly kind: 'close' };

/** Of whoever looks. */
export type LookingRequest =
  | { readonly kind: 'page'; readonly question: InventoryQuestion }
  | { readonly kind: 'ends'; readonly question: EndsQuestion }
  | { readonly kind: 'close' };

/** To a request the answer of its kind. */
export interface InventoryAnswers {
  readonly follow: InventoryProgress;
  readonly page: InventoryPage;
  readonly ends: EndsPart;
  readonly overdue: OverdueFound;
  readonly reportedOverdue: null;
  readonly newPairs: NewPairsFound;
  readonly close: null;
}
export type InventoryAnswer = InventoryAnswers[keyof InventoryAnswers];
