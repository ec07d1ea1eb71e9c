// Local policies that somebody else keeps one by one, as objects and not as files of a folder.

export interface LocalPolicyObject {
  /** Absent for a policy of the cluster layer. */
  readonly namespace?: string;
  readonly name: string;
  /** Of its text. */
  readonly bytes: number;
  /** One policy document as JSON; absent when its namespace held more than may be kept in memory when it came. */
  readonly text?: string;
}

export interface LocalPolicyObjects {
  /**
   * All there are, as far as it is known; the last known while their keeper cannot be asked.
   * @throws AuthorityError `not_ready` before that is known for the first time.
   */
  all(): readonly LocalPolicyObject[];
  /**
   * The text of one that has none in `all`.
   * @returns nothing when it is gone.
   * @throws AuthorityError `dependency_unavailable` when it cannot be had now.
   */
  read(object: LocalPolicyObject, options: { readonly signal: AbortSignal }): Promise<string | undefined>;
  /** What an operator calls one, such as `issuancepolicies/shop/web`. */
  placeOf(object: Pick<LocalPolicyObject, 'namespace' | 'name'>): string;
  /** Calls `listener` after each change with the namespace, absent for the cluster layer, until the signal aborts. */
  onChange(listener: (namespace: string | undefined) => void, options: { readonly signal: AbortSignal }): void;
}
