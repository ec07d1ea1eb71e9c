// The trust anchors as the ledger has them go out: an anchor that a rotation publishes, or that leaves may hang on, goes out also
// where this server's files lack it; one that is retired does not, also where they have it.
import { formatTime } from '../../domain/text/format-time.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import { anchorsUnder, isHeld, NO_ANCHORS, type AnchorLedger } from '../../domain/trust/rotation/anchor-ledger.ts';
import { nameOf, shasOf } from '../../domain/trust/rotation/rotation.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import { Listeners } from '../../live/listeners.ts';
import type { FollowedLedger } from './followed-ledger.ts';

export interface GovernedAnchorsParts {
  readonly ledger: Pick<FollowedLedger<AnchorLedger>, 'current' | 'known' | 'onChange'>;
}

export class GovernedAnchors {
  readonly #ledger: GovernedAnchorsParts['ledger'];
  readonly #listeners = new Listeners();
  #seen: string | undefined;
  /** What the files had when the ledger was last looked at with them. */
  #noted: TrustBundle | undefined;

  constructor({ ledger }: GovernedAnchorsParts) {
    this.#ledger = ledger;
  }

  /** Begins to follow the ledger, which is known, until the signal aborts. */
  start(options: { readonly signal: AbortSignal }): void {
    this.#seen = this.#content();
    this.#ledger.onChange(() => this.#look(), options);
  }

  /** What is decided; nothing before the ledger is known. */
  decided(): AnchorLedger {
    return this.#ledger.known ? this.#ledger.current() : NO_ANCHORS;
  }

  /** Judges by what goes out, also what does not sign yet. */
  get judging(): { readonly govern: (given: TrustBundle) => TrustBundle } {
    return { govern: (given) => this.govern(given) };
  }

  /** What goes out, of what the files have. */
  govern(given: TrustBundle): TrustBundle {
    const ledger = this.decided();
    const bundle = anchorsUnder(ledger, given);
    // What an edit took out stays until the ledger has it.
    const out = shasOf(ledger.retired);
    const before = this.#noted?.anchors.filter(({ sha256 }) => !out.includes(sha256)) ?? [];
    return bundle.with(before);
  }

  /** The ledger has what the files had before and have now, as far as it should. */
  note(given: TrustBundle): void {
    this.#noted = given;
    this.#listeners.notify();
  }

  /** Calls `listener` after a change of what is decided, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /**
   * Roots before leaves: while a new anchor is published, an issuer that leads to nothing else does not sign yet.
   * @returns why and what to do; nothing when it may sign.
   */
  heldBack({ id, anchors }: Pick<Issuer, 'id' | 'anchors'>): string | undefined {
    const { rotation } = this.decided();
    if (rotation?.phase !== 'publish' || rotation.signing.includes(id)) return undefined;
    const added = shasOf(rotation.added);
    if (!anchors.every((anchor) => added.includes(anchor))) return undefined;
    return 'it leads to a trust anchor alone that not all workloads know yet: put the former files back, and these in place after capstan anchor advance';
  }

  /**
   * @param given what the files of this server have.
   * @returns in which way these should be another, in words for an operator; nothing when they are as they should be.
   */
  problemWith(given: TrustBundle | undefined): string | undefined {
    if (given === undefined) return undefined;
    const ledger = this.decided();
    const inFiles = new Set(shasOf(given.anchors));
    const problems = [
      ...ledger.retired
        .filter(({ sha256 }) => inFiles.has(sha256))
        .map(
          (one) =>
            `${nameOf(one)} is retired since ${formatTime(one.timeMs)}, and does not go out: take it out of the file`,
        ),
      ...ledger.kept.filter(({ sha256 }) => !inFiles.has(sha256)).flatMap((one) => missing(ledger, one)),
    ];
    return problems.length === 0 ? undefined : problems.join('; ');
  }

  #look(): void {
    const content = this.#content();
    if (content === this.#seen) return;
    this.#seen = content;
    this.#listeners.notify();
  }

  #content(): string {
    const { kept, retired, rotation } = this.decided();
    return JSON.stringify([
      shasOf(kept),
      shasOf(retired),
      rotation?.id,
      rotation?.phase,
      rotation?.leavesMovedMs,
      rotation?.bridge?.sha256,
    ]);
  }
}

function missing(ledger: AnchorLedger, anchor: AnchorLedger['kept'][number]): readonly string[] {
  const { rotation } = ledger;
  const isNew = rotation !== undefined && shasOf(rotation.added).includes(anchor.sha256);
  if (isNew && rotation.phase === 'done')
    return [`${nameOf(anchor)} is in force by a rotation, and not in the file: put it there`];
  // A rotation under way brings it by itself, and `capstan anchor status` says how far it is.
  if (isHeld(ledger, anchor.sha256)) return [];
  return [`${nameOf(anchor)} is not in the file any more and goes out all the same, as long as workloads hang on it`];
}
