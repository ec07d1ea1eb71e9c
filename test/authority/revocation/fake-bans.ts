// Bans as a test sets them, found and told of by the code that a server has.
import { Revocations } from '../../../src/authority/revocation/revocations.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import type { Ban, BanTarget } from '../../../src/domain/revocation/ban.ts';
import { NO_BANS, type BanLedger } from '../../../src/domain/revocation/ban-ledger.ts';
import { Listeners } from '../../../src/live/listeners.ts';
import type { Revision } from '../../../src/ports/storage/ledgers.ts';
import type { FakeClock } from '../../support/fakes/fake-clock.ts';

export function banOf(target: BanTarget, given: Partial<Ban> = {}): Ban {
  const by = { timeMs: 0, actor: 'local', role: 'security', reason: 'a drill' };
  return { id: 'a'.repeat(16), target, ...by, leavesUntilMs: 1e15, ...given };
}

export class FakeBans extends Revocations {
  readonly #ledger: { ledger: BanLedger; revision: Revision };
  readonly #changed: Listeners;

  /** @param nodeOf what the cluster says of pods. */
  constructor(clock: FakeClock, nodeOf: (caller: Caller) => string | undefined = () => undefined) {
    const kept = { ledger: NO_BANS, revision: { number: 0 } };
    const changed = new Listeners();
    super({
      ledger: {
        current: () => kept.ledger,
        known: true,
        get revision() {
          return kept.revision;
        },
        onChange: (listener, options) => changed.add(listener, options),
        look: async () => {
          this.looks += 1;
          this.atLook();
        },
      },
      clock,
      nodeOf,
    });
    this.#ledger = kept;
    this.#changed = changed;
    this.start({ signal: new AbortController().signal });
  }

  looks = 0;
  /** What the store shows to a look. */
  atLook: () => void = () => undefined;

  /** In place of those before. */
  set(...bans: readonly Ban[]): void {
    this.#ledger.ledger = { ...NO_BANS, bans };
    this.#ledger.revision = { number: this.#ledger.revision.number + 1 };
    this.#changed.notify();
  }
}
