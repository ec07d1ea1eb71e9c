// The policy in force. A source that meets a broken edit keeps the last good policy and says so.
import type { Policy } from '../domain/policy/policy.ts';

export interface PolicySource {
  /** @throws AuthorityError `not_ready` (CAP-S02) before the first policy is loaded. */
  current(): Policy;
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
