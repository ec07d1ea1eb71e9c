// What each identity was last given, in memory; what was given before a restart is looked up in the
// issuance history.
import type { HeldCertificate } from '../../domain/policy/request.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import type { IssuanceHistory } from '../../ports/storage/issuance-history.ts';

/** More identities than one server issues to within a leaf lifetime; what is forgotten is found in the history. */
const MAX_HELD = 20_000;

export class HeldCertificates implements IssuanceHistory {
  readonly #history: IssuanceHistory;
  readonly #held = new Recent<HeldCertificate>(MAX_HELD);

  constructor(history: IssuanceHistory) {
    this.#history = history;
  }

  heldBy(identity: string, nowMs: number): HeldCertificate | undefined {
    const held = this.#held.get(identity);
    // A shorter one that has ended may hide a longer one from before.
    return held !== undefined && held.notAfterMs > nowMs ? held : this.#history.heldBy(identity, nowMs);
  }

  remember(identity: string, held: HeldCertificate): void {
    this.#held.set(identity, held);
  }
}
