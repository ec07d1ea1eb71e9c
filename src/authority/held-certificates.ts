// What each identity was last given, in memory; what was given before a restart is looked up in the
// issuance history.
import type { HeldCertificate } from '../domain/policy/request.ts';
import type { IssuanceHistory } from '../ports/issuance-history.ts';

/** More identities than one server issues to within a leaf lifetime; the longest unused make room. */
const MAX_HELD = 20_000;

export class HeldCertificates implements IssuanceHistory {
  readonly #history: IssuanceHistory;
  readonly #held = new Map<string, HeldCertificate>();

  constructor(history: IssuanceHistory) {
    this.#history = history;
  }

  heldBy(identity: string, nowMs: number): HeldCertificate | undefined {
    const held = this.#held.get(identity) ?? this.#history.heldBy(identity, nowMs);
    return held !== undefined && held.notAfterMs > nowMs ? held : undefined;
  }

  remember(identity: string, held: HeldCertificate): void {
    this.#held.delete(identity);
    const [oldest] = this.#held.size >= MAX_HELD ? this.#held.keys() : [];
    if (oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(identity, held);
  }
}
