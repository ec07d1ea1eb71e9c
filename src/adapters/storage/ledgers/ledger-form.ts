// How a ledger is written down, wherever it lies. It is read strictly: one that is damaged must not pass for one in which
// nothing is forbidden.

export interface LedgerForm<L> {
  /** In the head of its file, and in the names under which processes ask each other for it. */
  readonly kind: string;
  /** What an operator calls it. */
  readonly name: string;
  /** Of its file, which is called as the journal is but for this end. */
  readonly fileSuffix: string;
  /** Its table in PostgreSQL. */
  readonly table: string;
  /** Before the first change. */
  readonly empty: L;
  /** What would come of taking a damaged one for an empty one. */
  readonly withoutIt: string;
  /** @returns nothing for what is no such ledger. */
  readonly read: (value: unknown) => L | undefined;
}
