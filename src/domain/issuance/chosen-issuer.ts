// The issuer of one certificate, chosen before policy judges. Policy judges it and every later step carries it, so that
// what was judged is what signs, also when the issuer is loaded anew meanwhile.
import { AuthorityError } from '../errors.ts';
import type { AllowedIssuers } from '../policy/evaluation/allowed-issuers.ts';
import { admits } from '../policy/name-patterns.ts';
import type { IssuerChoice, PolicyRequest } from '../policy/request.ts';
import type { WithdrawnState } from '../trust/issuer-state.ts';
import type { Issuer } from '../x509/issuer.ts';

/** One of the configured issuers at one moment. */
export interface IssuerCandidate {
  /** As policies call it. */
  readonly name: string;
  readonly bounds: IssuerBounds;
  readonly state:
    | { readonly kind: 'ready'; readonly issuer: Issuer }
    /** `why` is safe for a caller. `withdrawn`: operators say that it is not to sign. */
    | {
        readonly kind: 'unavailable';
        readonly why: string;
        readonly withdrawn?: WithdrawnState;
        /** What a suspended one signs with as soon as it is resumed. */
        readonly held?: { readonly issuer: Issuer };
      };
}

/** What this issuer signs at most, whatever policy grants. */
export interface IssuerBounds {
  /** Longest certificate in ms; Infinity leaves it to the server. */
  readonly maxTtlMs: number;
  /** Longest certificate as a share of what the issuer has left, for one that is shorter than it should be. */
  readonly shareOfRest?: number;
}

/**
 * The first that policy allows; where it allows none, the first of all.
 * @param named in the order of the configuration.
 */
export function firstAllowed<T extends { readonly name: string }>(
  named: readonly [T, ...T[]],
  { enforced, preferred, limitedBy }: AllowedIssuers,
): { readonly one: T; readonly choice: IssuerChoice } {
  const found = named.find(({ name }) => admits(preferred, name)) ?? named.find(({ name }) => admits(enforced, name));
  const why = named.length === 1 ? 'only' : found === undefined ? 'none-allowed' : 'first-allowed';
  return { one: found ?? named[0], choice: { why, limitedBy } };
}

/** As `firstAllowed`, of those that operators let sign; where policy allows none of them, as `firstAllowed`. */
function firstNotWithdrawn<C extends IssuerCandidate>(
  candidates: readonly [C, ...C[]],
  allowed: AllowedIssuers,
): { readonly one: C; readonly choice: IssuerChoice } {
  const first = firstAllowed(candidates, allowed);
  if (!isWithdrawn(first.one)) return first;
  const [other, ...others] = candidates.filter((one) => !isWithdrawn(one));
  if (other === undefined) return first;
  const instead = firstAllowed([other, ...others], allowed);
  const { limitedBy } = instead.choice;
  return instead.choice.why === 'none-allowed' || !admits(allowed.enforced, instead.one.name)
    ? first
    : { one: instead.one, choice: { why: 'first-allowed', limitedBy } };
}

function isWithdrawn({ state }: IssuerCandidate): boolean {
  return state.kind === 'unavailable' && state.withdrawn !== undefined;
}

type Judged = PolicyRequest['issuer'];

export class ChosenIssuer implements Judged {
  readonly name: string;
  readonly anchors: readonly string[];
  readonly remainingMs: number;
  readonly pathLength?: number;
  readonly unavailable?: string;
  readonly withdrawn?: WithdrawnState;
  readonly bounds: IssuerBounds;
  readonly choice: IssuerChoice;
  readonly #issuer: Issuer | undefined;

  private constructor({ name, bounds, state }: IssuerCandidate, choice: IssuerChoice, nowMs: number) {
    this.name = name;
    this.bounds = bounds;
    this.choice = choice;
    this.#issuer = state.kind === 'ready' ? state.issuer : undefined;
    this.anchors = this.#issuer === undefined ? [] : [this.#issuer.anchorSha256];
    this.remainingMs = this.#issuer === undefined ? 0 : Math.max(0, this.#issuer.notAfterMs - nowMs);
    if (state.kind === 'ready') this.pathLength = state.issuer.pathLength;
    if (state.kind !== 'unavailable') return;
    this.unavailable = `issuer ${name} ${state.why}`;
    if (state.withdrawn !== undefined) this.withdrawn = state.withdrawn;
  }

  /**
   * The first that policy allows, whether it can sign now or not: a subject is not moved to another issuer because its own
   * is down. Without a policy's limit that is the default one. One that operators withdrew is passed over, as long as
   * policy allows another.
   * @param candidates in the order of the configuration, the default one first.
   */
  static forWorkload<C extends IssuerCandidate>(
    candidates: readonly [C, ...C[]],
    allowed: AllowedIssuers,
    nowMs: number,
  ): { readonly chosen: ChosenIssuer; readonly candidate: C } {
    const { one: candidate, choice } = firstNotWithdrawn(candidates, allowed);
    return { chosen: new ChosenIssuer(candidate, choice, nowMs), candidate };
  }

  /** The one that the request names, also where policy will refuse it. */
  static named<C extends IssuerCandidate>(
    candidates: readonly C[],
    name: string,
    nowMs: number,
  ): { readonly chosen: ChosenIssuer; readonly candidate: C } | undefined {
    const candidate = candidates.find((one) => one.name === name);
    if (candidate === undefined) return undefined;
    const choice = { why: candidates.length === 1 ? 'only' : 'named', limitedBy: [] } as const;
    return { chosen: new ChosenIssuer(candidate, choice, nowMs), candidate };
  }

  /** For what the CA signs for itself: its serving certificate, and the trial of an issuer. */
  static forOwn(candidate: IssuerCandidate, nowMs: number): ChosenIssuer {
    return new ChosenIssuer(candidate, { why: 'own', limitedBy: [] }, nowMs);
  }

  /** As `forOwn`, by one that is suspended: for the certificates with which the CA itself is met, where no other can sign them. */
  static whileSuspended(candidate: IssuerCandidate, nowMs: number): ChosenIssuer {
    const { state } = candidate;
    if (state.kind === 'ready' || state.held === undefined) return ChosenIssuer.forOwn(candidate, nowMs);
    return ChosenIssuer.forOwn({ ...candidate, state: { kind: 'ready', issuer: state.held.issuer } }, nowMs);
  }

  /** @throws AuthorityError CAP-S01 when it cannot sign now, CAP-S14 when operators withdrew it. */
  get issuer(): Issuer {
    if (this.#issuer !== undefined) return this.#issuer;
    const reason = this.withdrawn === undefined ? 'CAP-S01' : 'CAP-S14';
    throw new AuthorityError(reason, { detail: this.unavailable ?? this.name });
  }

  /**
   * An anchor may leave between the choice and the signature, and with it every peer that would take the certificate.
   * @param inForce at the signature.
   * @throws AuthorityError CAP-S01 when its anchor is not among them, or it cannot sign: who asks again has an issuer
   *   chosen anew.
   */
  demandAnchorAmong(inForce: readonly { readonly sha256: string }[]): void {
    const { anchorSha256 } = this.issuer;
    if (inForce.some(({ sha256 }) => sha256 === anchorSha256)) return;
    throw new AuthorityError('CAP-S01', { detail: `issuer ${this.name} leads to no trust anchor in force` });
  }
}
