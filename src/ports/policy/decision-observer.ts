// Who hears of decisions once they are on record, to tell or to count them.
import type { DecisionRecord } from '../storage/issuance-journal.ts';

export interface DecisionObserver {
  /**
   * Called for every decision; answers at once and never throws: what it does about it, it does later.
   * @param counted the record is not in the journal by itself, but will be counted in that of many.
   */
  decided(record: DecisionRecord, facts: { readonly counted: boolean }): void;
}
