// The bans in force, as everything that issues asks of them: at the beginning, where nothing else has been decided yet, and
// again when a certificate is signed and not on record yet, so that a ban holds for what was under way when it came.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { Ban } from '../../domain/revocation/ban.ts';
import { isOver, type BanLedger } from '../../domain/revocation/ban-ledger.ts';
import { BannedCallers, concerns } from '../../domain/revocation/banned-callers.ts';
import { Listeners } from '../../live/listeners.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface RevocationsParts {
  readonly ledger: Pick<FollowedLedger<BanLedger>, 'current' | 'known' | 'onChange'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Where the caller's pod runs as its cluster says, for a credential that does not; nothing where nobody knows. */
  readonly nodeOf: (caller: Caller) => string | undefined;
}

export class Revocations {
  readonly #parts: RevocationsParts;
  readonly #listeners = new Listeners<[Ban]>();
  #built: { readonly of: BanLedger; readonly callers: BannedCallers } | undefined;
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
