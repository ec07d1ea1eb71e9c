// Where the central bundle comes from, once it may be believed: signature, audience, sequence and times
// have been judged. Who assembles a revision of all policies knows no more than this.
import type { PolicyBundle } from '../../../../domain/policy/documents.ts';

export interface VerifiedPolicyBundle {
  readonly bundle: PolicyBundle;
  /** Hex SHA-256 of the bundle's canonical bytes. */
  readonly digest: string;
  /** What an operator calls the place it came from: a file's path, a URL. */
  readonly place: string;
  /** Ids of the pinned keys whose signatures hold, sorted; none when the bundle was taken unsigned. */
  readonly signedBy: readonly string[];
}

export interface PolicyBundleSource {
  /**
   * The bundle in force; the last good one when a newer one is refused.
   * @throws AuthorityError `not_ready` (CAP-S02) before the first is loaded.
   */
  current(): VerifiedPolicyBundle;
  /** The moment by which its validity is judged; see PolicyBundleManager. */
  timeMs(): number;
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
