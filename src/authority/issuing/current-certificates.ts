// What each identity was last given, in memory; what was given before a restart is looked up in the
// issuance history.
import type { CurrentCertificate } from '../../domain/policy/request.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import type { IssuanceHistory } from '../../ports/storage/issuance-history.ts';

/** More identities than one server issues to within a leaf lifetime; what is forgotten is found in the history. */
const MAX_REMEMBERED = 20_000;

export class CurrentCertificates implements IssuanceHistory {
  readonly #history: IssuanceHistory;
  readonly #current = new Recent<CurrentCertificate>(MAX_REMEMBERED);

  constructor(history: IssuanceHistory) {
    this.#history = history;
  }

  currentCertificateOf(identity: string, nowMs: number): CurrentCertificate | undefined {
    const current = this.#current.get(identity);
    // A shorter one that has ended may hide a longer one from before.
    return current !== undefined && current.notAfterMs > nowMs
      ? current
      : this.#history.currentCertificateOf(identity, nowMs);
  }

  remember(identity: string, current: CurrentCertificate): void {
    this.#current.set(identity, current);
  }
}
