// What operators are shown of issuers: their states, what hangs on them, and what became of them.
import { AuthorityError } from '../../domain/errors.ts';
import type { IssuerLedger, IssuerMove } from '../../domain/trust/issuer-ledger.ts';
import { isWithdrawn, type LifecycleState } from '../../domain/trust/issuer-state.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import { certifiedOf, type NamedIssuer } from '../../ports/issuing/issuers.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { IssuerFigures, IssuerStatistics } from '../../ports/storage/issuer-statistics.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { generationsAt, standingIn, type GenerationsParts, type KnownGeneration } from './generations.ts';

export interface OverviewParts extends GenerationsParts {
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current'>;
  readonly statistics: Pick<IssuerStatistics, 'figuresOf'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** One certificate of an issuer, or an issuer without one. Absent is what is not known. */
export interface IssuerRow {
  /** As policies call it; empty for a former certificate that nobody moved. */
  readonly name: string;
  /** First of the configuration. */
  readonly isDefault: boolean;
  /** `unavailable`: the configuration names it, and nothing of its files is in force. */
  readonly state: LifecycleState | 'unavailable';
  /** Since when, by whom and why; absent while nobody did anything. */
  readonly by?: IssuerMove;
  readonly id?: string;
  readonly subject?: string;
  readonly notAfterMs?: number;
  /** For a former one: when its last leaf is over at the latest. */
  readonly leavesUntilMs?: number;
  /** Hex SHA-256 of the trust anchor. */
  readonly anchor?: string;
  /** Why it is unavailable. */
  readonly why?: string;
}

export interface IssuerDetails {
  readonly issuer: IssuerRow;
  /** Its other certificates: those whose leaves may live, and those that are to follow. */
  readonly former: readonly IssuerRow[];
  /** From the issuer's own upwards, below the anchor. */
  readonly chain: readonly { readonly subject: string; readonly sha256: string; readonly notAfterMs: number }[];
  readonly custody: string;
  /** Longest certificate in ms; absent where the server's limits alone count. */
  readonly maxTtlMs?: number;
  /** Newest first. */
  readonly history: readonly IssuerMove[];
  readonly figures: IssuerFigures;
}

interface Waits {
  readonly signal: AbortSignal;
}

export class IssuerOverview {
  readonly #parts: OverviewParts;
  readonly #longestLeafMs: number;

  /** @param settings.longestLeafMs no leaf lives longer: figures go back so far. */
  constructor(parts: OverviewParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** In the order of the configuration, then former certificates. @throws AuthorityError CAP-S04 */
  async list(options: Waits): Promise<readonly IssuerRow[]> {
    const { issuers, ledger, clock } = this.#parts;
    const all = issuers.all();
    const known = await generationsAt(this.#parts, ledger.current(), clock.nowMs(), options);
    const configured = all.map((named) => this.#rowOfNamed(named, known, named === all[0]));
    return [...configured, ...known.filter(({ named }) => named === undefined).map((one) => this.#rowOf(one, false))];
  }

  /** @throws AuthorityError CAP-O02 when there is no such issuer; CAP-S04 */
  async show(name: string, options: Waits): Promise<IssuerDetails> {
    const { issuers, ledger, statistics, clock } = this.#parts;
    const named = issuers.all().find((one) => one.name === name);
    if (named === undefined) {
      const names = issuers.all().map((one) => one.name);
      throw new AuthorityError('CAP-O02', { detail: `no issuer is called ${name}; there are ${names.join(', ')}` });
    }
    const nowMs = clock.nowMs();
    const rows = await this.list(options);
    const issuer = rows.find((row) => row.name === name) ?? this.#rowOfNamed(named, [], false);
    const { maxTtlMs } = named.bounds;
    return {
      issuer,
      former: rows.filter((row) => row !== issuer && row.name === name),
      chain: chainOf(named),
      custody: named.custody,
      ...(Number.isFinite(maxTtlMs) && { maxTtlMs }),
      history: ledger
        .current()
        .moves.filter((move) => move.issuer === name)
        .toReversed(),
      figures: await statistics.figuresOf(name, { nowMs, sinceMs: nowMs - this.#longestLeafMs }, options),
    };
  }

  #rowOfNamed(named: NamedIssuer, known: readonly KnownGeneration[], isDefault: boolean): IssuerRow {
    const own = known.find((one) => one.named === named);
    if (own !== undefined) return this.#rowOf(own, isDefault);
    const why = named.state.kind === 'unavailable' ? named.state.why : 'has no certificate in force';
    return { name: named.name, isDefault, state: 'unavailable', why };
  }

  #rowOf(known: KnownGeneration, isDefault: boolean): IssuerRow {
    const { generation, subject, leavesUntilMs, named } = known;
    const { issuer: name, id, notAfterMs } = generation;
    const anchor = named && certifiedOf(named.state)?.anchorSha256;
    const { state: standing, by } = standingIn(this.#parts.ledger.current(), known);
    // What operators withdrew is that first of all.
    const why = named?.state.kind === 'unavailable' ? named.state.why : undefined;
    const state = why !== undefined && !isWithdrawn(standing) ? 'unavailable' : standing;
    return {
      name,
      isDefault,
      state,
      ...(by !== undefined && { by }),
      id,
      ...(subject !== '' && { subject }),
      notAfterMs,
      ...(leavesUntilMs !== undefined && { leavesUntilMs }),
      ...(anchor !== undefined && { anchor }),
      ...(why !== undefined && { why }),
    };
  }
}

/** Nothing of an issuer without a certificate. */
export function chainOf({ state }: Pick<NamedIssuer, 'state'>): IssuerDetails['chain'] {
  const issuer = certifiedOf(state);
  if (issuer === undefined) return [];
  return pathCertificatesOf(issuer.chainPems.join('')).map(({ subject, sha256, notAfterMs }) => ({
    subject,
    sha256,
    notAfterMs,
  }));
}
