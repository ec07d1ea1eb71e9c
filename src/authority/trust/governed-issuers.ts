// The issuers as operators let them sign: one that is suspended, tainted or retired cannot, whatever its files say. The leaves
// that it signed stay what they are.
import { formatTime } from '../../domain/text/format-time.ts';
import { withdrawalOf, type IssuerLedger, type IssuerMove } from '../../domain/trust/issuer-ledger.ts';
import type { LifecycleState, WithdrawnState } from '../../domain/trust/issuer-state.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import { Listeners } from '../../live/listeners.ts';
import { certifiedOf, type Issuers, type NamedIssuer, type SigningPair } from '../../ports/issuing/issuers.ts';
import type { FollowedLedger } from './followed-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface GovernedIssuersParts {
  readonly issuers: Issuers;
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current' | 'known' | 'onChange'>;
}

interface Governed {
  readonly given: NamedIssuer;
  readonly ledger: IssuerLedger;
  readonly named: NamedIssuer;
}

export class GovernedIssuers implements Issuers {
  readonly #parts: GovernedIssuersParts;
  readonly #listeners = new Listeners<[string]>();
  /** By the issuer's name. */
  readonly #governed = new Map<string, Governed>();

  constructor(parts: GovernedIssuersParts) {
    this.#parts = parts;
  }

  /** Begins to follow issuers and ledger, until the signal aborts. */
  start(options: Waits): void {
    const { issuers, ledger } = this.#parts;
    issuers.onChange((name) => this.#listeners.notify(name), options);
    ledger.onChange(() => this.#lookAtAll(), options);
  }

  all(): readonly [NamedIssuer, ...NamedIssuer[]] {
    const [first, ...others] = this.#parts.issuers.all();
    return [this.#govern(first), ...others.map((one) => this.#govern(one))];
  }

  onChange(listener: (name: string) => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  /** The state of each, for who counts; none before the ledger is known. */
  states(): readonly { readonly name: string; readonly state: LifecycleState | 'unavailable' }[] {
    if (!this.#parts.ledger.known) return [];
    return this.all().map(({ name, state }) => ({
      name,
      state: state.kind === 'ready' ? 'active' : (state.withdrawn ?? 'unavailable'),
    }));
  }

  /** Which of them may sign nothing, in words; nothing when all may. */
  problem(): string | undefined {
    const withdrawn = this.all().flatMap(({ name, state }) =>
      state.kind === 'unavailable' && state.withdrawn !== undefined ? [`issuer ${name} ${state.why}`] : [],
    );
    return withdrawn.length === 0 ? undefined : withdrawn.join('; ');
  }

  #lookAtAll(): void {
    const before = new Map([...this.#governed].map(([name, { named }]) => [name, withdrawnIn(named)]));
    for (const named of this.all()) {
      if (before.get(named.name) !== withdrawnIn(named)) this.#listeners.notify(named.name);
    }
  }

  /** The same object for the same issuer under the same ledger. */
  #govern(given: NamedIssuer): NamedIssuer {
    // Asked for its name alone before the ledger is known, as when a server is put together.
    const issuer = certifiedOf(given.state);
    if (issuer === undefined || (given.state.kind !== 'ready' && !this.#parts.ledger.known)) return given;
    const ledger = this.#parts.ledger.current();
    const known = this.#governed.get(given.name);
    if (known?.given === given && known.ledger === ledger) return known.named;
    const named = governed(given, issuer, ledger);
    this.#governed.set(given.name, { given, ledger, named });
    return named;
  }
}

function governed(given: NamedIssuer, issuer: Issuer, ledger: IssuerLedger): NamedIssuer {
  const withdrawal = withdrawalOf(ledger, generationKeyOf(issuer));
  if (withdrawal === undefined) return given;
  const { state, by } = withdrawal;
  const unavailable = { kind: 'unavailable', why: whyOf(state, by), withdrawn: state } as const;
  if (state !== 'suspended') return { ...given, state: unavailable };
  const held = given.state.kind === 'ready' ? { held: signingPairOf(given.state) } : { certified: issuer };
  return { ...given, state: { ...unavailable, ...held } };
}

function signingPairOf({ issuer, signer }: SigningPair): SigningPair {
  return { issuer, signer };
}

/** How a certificate is named in the ledger. */
export function generationKeyOf({ id, publicKeySha256: keyId }: Issuer): {
  readonly id: string;
  readonly keyId: string;
} {
  return { id, keyId };
}

/** For a caller: the operator's reason is not its business. */
function whyOf(state: WithdrawnState, { timeMs }: IssuerMove): string {
  return `is ${state} since ${formatTime(timeMs)}`;
}

function withdrawnIn({ state }: NamedIssuer): WithdrawnState | undefined {
  return state.kind === 'unavailable' ? state.withdrawn : undefined;
}
