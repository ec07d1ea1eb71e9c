// The policies that should be in force, kept where the server does not take them from: a checkout of the repository in
// which they are reviewed.
import type { KnownPolicy } from '../../domain/policy/history/policy-drift.ts';

export interface PoliciesKept {
  readonly policies: readonly KnownPolicy[];
  /** Name of the commit, 40 or 64 hex digits; absent where it cannot be told. */
  readonly gitRevision?: string;
}

export interface ExpectedPolicies {
  /** As they are now. @throws AuthorityError `config_invalid` naming what cannot be read, or is no policy. */
  read(): Promise<PoliciesKept>;
  /** Calls `listener` after they may have changed, until the signal aborts; spurious calls are possible. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
