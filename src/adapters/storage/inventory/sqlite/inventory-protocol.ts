// What the inventory's thread is asked.
import type {
  InventoryPage,
  InventoryProgress,
  InventoryQuestion,
  OverdueFound,
} from '../../../../ports/inventory/inventory.ts';

export type InventoryRequest =
  | { readonly kind: 'follow'; readonly nowMs: number }
  | { readonly kind: 'page'; readonly question: InventoryQuestion }
  | {
      readonly kind: 'overdue';
      readonly question: { readonly sinceMs: number; readonly nowMs: number; readonly limit: number };
    }
  | { readonly kind: 'close' };

/** To a request the answer of its kind; to `close` none. */
export interface InventoryAnswers {
  readonly follow: InventoryProgress;
  readonly page: InventoryPage;
  readonly overdue: OverdueFound;
  readonly close: null;
}
export type InventoryAnswer = InventoryAnswers[keyof InventoryAnswers];
