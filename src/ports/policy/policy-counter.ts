// How often each local policy applied, refused or would have refused.

export interface PolicyCounts {
  readonly issued: number;
  readonly refused: number;
  readonly auditHits: number;
}

/** Of the last 24 hours. */
export interface DayCounts extends PolicyCounts {
  /** RFC 3339; absent when a whole day was counted. */
  readonly since?: string;
}

/** Policies go by their title, as in `PolicyDecision.applied`: `namespace shop/web`, or `cluster platform`. */
export interface PolicyCounter {
  /** Answers at once and never throws; what there is no room for is not counted. */
  add(title: string, counts: PolicyCounts): void;
  /** @throws AuthorityError `not_ready` (CAP-S04) when nobody could be asked; the signal's reason when it aborts. */
  of(title: string, options: { readonly signal: AbortSignal }): Promise<DayCounts>;
}
