// The bans in force, as everything that issues asks of them: at the beginning, where nothing else has been decided yet, and
// again when a certificate is signed and not on record yet, so that a ban holds for what was under way when it came, at whichever server.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { Ban } from '../../domain/revocation/ban.ts';
import { isOver, type BanLedger } from '../../domain/revocation/ban-ledger.ts';
import { BannedCallers, concerns } from '../../domain/revocation/banned-callers.ts';
import { NEVER, orAborted } from '../../live/abortable.ts';
import { Listeners } from '../../live/listeners.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Revision } from '../../ports/storage/ledgers.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Each in vain is a change of the bans, or a look that failed. */
const MAX_TRIES = 5;

export interface RevocationsParts {
  readonly ledger: Pick<FollowedLedger<BanLedger>, 'current' | 'revision' | 'known' | 'onChange' | 'look'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Where the caller's pod runs as its cluster says, for a credential that does not; nothing where nobody knows. */
  readonly nodeOf: (caller: Caller) => string | undefined;
}

export class Revocations {
  readonly #parts: RevocationsParts;
  readonly #listeners = new Listeners<[Ban]>();
  #built: { readonly of: BanLedger; readonly callers: BannedCallers } | undefined;
  #looking: Promise<void> | undefined;
  /** Ids of the bans that listeners were told of, or that were there before anything was issued. */
  #reported: ReadonlySet<string> | undefined;

  constructor(parts: RevocationsParts) {
    this.#parts = parts;
  }

  /** Begins to tell of new bans, until the signal aborts. */
  start(options: Waits): void {
    this.#parts.ledger.onChange(() => this.#report(), options);
    if (this.#parts.ledger.known) this.#report();
  }

  /**
   * @param identity whom the certificate would name: the caller, or another for whom it asks.
   * @throws AuthorityError CAP-R01 when a ban concerns them; CAP-S04 before bans are known.
   */
  demand(caller: Caller, identity: KubernetesIdentity): void {
    const callers = this.#callers();
    const node = callers.namesNodes ? this.#nodeOf(caller) : undefined;
    const ban = callers.banOf({ caller, identity, node }, this.#parts.clock.nowMs());
    if (ban !== undefined) throw revoked(ban);
  }

  /**
   * Records what no ban forbids, by the bans that are known here; where the store knows others, looks and asks again.
   * @param record gives false for bans that are not those of the store. @throws AuthorityError as `demand`; what `record` throws.
   */
  async unlessBanned(
    caller: Caller,
    identity: KubernetesIdentity,
    record: (bans: Revision) => Promise<boolean>,
    { signal }: Waits,
  ): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      this.demand(caller, identity);
      if (await record(this.#parts.ledger.revision)) return;
      await orAborted(this.#looked(), signal);
    }
    throw new AuthorityError('CAP-S04', { detail: 'which bans are in force cannot be read now' });
  }

  /** Whether one ban concerns a caller; times aside. */
  concerns(ban: Ban, caller: Caller): boolean {
    return concerns(ban, { caller, identity: caller.identity, node: this.#nodeOf(caller) });
  }

  /** Calls `listener` with each ban that comes from now on, also by others, until the signal aborts. */
  onBan(listener: (ban: Ban) => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  /** How many bans there are of each kind, for who counts; none before they are known. */
  kinds(): readonly Ban['target']['kind'][] {
    if (!this.#parts.ledger.known) return [];
    const nowMs = this.#parts.clock.nowMs();
    return this.#parts.ledger.current().bans.flatMap((ban) => (isOver(ban, nowMs) ? [] : [ban.target.kind]));
  }

  /** One look for all who wait: who waits for one that began too early asks for another. */
  async #looked(): Promise<void> {
    const looking = (this.#looking ??= this.#parts.ledger.look({ signal: NEVER }).finally(() => {
      this.#looking = undefined;
    }));
    await looking;
  }

  #nodeOf(caller: Caller): string | undefined {
    return caller.pod?.nodeName ?? this.#parts.nodeOf(caller);
  }

  /** Built once for each ledger. */
  #callers(): BannedCallers {
    const ledger = this.#parts.ledger.current();
    if (this.#built?.of !== ledger) this.#built = { of: ledger, callers: new BannedCallers(ledger.bans) };
    return this.#built.callers;
  }

  #report(): void {
    const { bans } = this.#parts.ledger.current();
    const reported = this.#reported;
    this.#reported = new Set(bans.map(({ id }) => id));
    if (reported === undefined) return;
    for (const ban of bans) if (!reported.has(ban.id)) this.#listeners.notify(ban);
  }
}

/** Who is concerned hears that it is, and by what name to ask about it: not what was banned, and not why. */
export function revoked({ id }: Pick<Ban, 'id'>): AuthorityError {
  return new AuthorityError('CAP-R01', { detail: `as ${id}` });
}
