// The issuers as their leaves go out: while a rotation has a bridge, the chains of those below the new anchor carry it, for peers that
// know the old anchor alone. What cannot carry it goes out as it is.
import { formatTime } from '../../domain/text/format-time.ts';
import { bridgeAt, bridgedChain, type Bridge } from '../../domain/trust/rotation/bridge.ts';
import { shasOf } from '../../domain/trust/rotation/rotation.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import { Listeners } from '../../live/listeners.ts';
import { certifiedOf, type Issuers, type IssuerState, type NamedIssuer } from '../../ports/issuing/issuers.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { GovernedAnchors } from './governed-anchors.ts';

export interface BridgedIssuersParts {
  readonly issuers: Issuers;
  readonly anchors: Pick<TrustAnchors, 'current'>;
  readonly governed: Pick<GovernedAnchors, 'decided' | 'onChange'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

interface Bridged {
  readonly bridge: Bridge;
  readonly bundle: TrustBundle;
  readonly named: NamedIssuer;
  readonly problem?: string;
}

export class BridgedIssuers implements Issuers {
  readonly #parts: BridgedIssuersParts;
  readonly #longestLeafMs: number;
  readonly #listeners = new Listeners<[string]>();
  readonly #bridged = new WeakMap<NamedIssuer, Bridged>();

  /** @param settings.longestLeafMs no leaf lives longer. */
  constructor(parts: BridgedIssuersParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** Begins to follow issuers and what is decided of anchors, until the signal aborts. */
  start(options: { readonly signal: AbortSignal }): void {
    const { issuers, governed } = this.#parts;
    const bridge = (): string | undefined => this.#bridge()?.sha256;
    let seen = bridge();
    issuers.onChange((name) => this.#listeners.notify(name), options);
    governed.onChange(() => {
      const now = bridge();
      if (now === seen) return;
      seen = now;
      for (const { name } of issuers.all()) this.#listeners.notify(name);
    }, options);
  }

  all(): readonly [NamedIssuer, ...NamedIssuer[]] {
    const given = this.#parts.issuers.all();
    const bridge = this.#bridge();
    if (bridge === undefined) return given;
    const [first, ...others] = given;
    return [this.#carrying(first, bridge).named, ...others.map((one) => this.#carrying(one, bridge).named)];
  }

  onChange(listener: (name: string) => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** What is wrong with the bridge, in words; nothing without one, and while all is well. */
  problem(): string | undefined {
    const { clock, governed, issuers } = this.#parts;
    const { rotation } = governed.decided();
    const given = rotation?.bridge;
    if (given === undefined || rotation === undefined) return undefined;
    const nowMs = clock.nowMs();
    const bridge = bridgeAt(rotation, nowMs);
    const open = rotation.phase === 'publish' || rotation.phase === 'adopt';
    if (bridge === undefined)
      return open ? `the bridge of the rotation ended at ${formatTime(given.notAfterMs)}: ${ANOTHER}` : undefined;
    const unable = issuers.all().flatMap((one) => {
      const { problem } = this.#carrying(one, bridge);
      return problem === undefined ? [] : [`the chain of issuer ${one.name} does not carry the bridge: ${problem}`];
    });
    const ends = given.notAfterMs - nowMs < this.#longestLeafMs;
    const end = ends ? [`the bridge of the rotation ends at ${formatTime(given.notAfterMs)}: ${ANOTHER}`] : [];
    return [...end, ...unable].join('; ') || undefined;
  }

  #bridge(): Bridge | undefined {
    const { governed, clock } = this.#parts;
    return bridgeAt(governed.decided().rotation, clock.nowMs());
  }

  /** The same object for the same issuer and bridge, under the same anchors. */
  #carrying(given: NamedIssuer, bridge: Bridge): Pick<Bridged, 'named' | 'problem'> {
    const bundle = this.#parts.anchors.current();
    const known = this.#bridged.get(given);
    if (known?.bridge.sha256 === bridge.sha256 && known.bundle === bundle) return known;
    const bridged = { bridge, bundle, ...this.#carry(given, bridge, bundle) };
    this.#bridged.set(given, bridged);
    return bridged;
  }

  #carry(given: NamedIssuer, bridge: Bridge, bundle: TrustBundle): Pick<Bridged, 'named' | 'problem'> {
    const { state } = given;
    const issuer = certifiedOf(state);
    if (issuer === undefined || !this.#isBelowNew(issuer)) return { named: given };
    const chain = bridgedChain(issuer.chainPems.join(''), bridge, bundle, this.#parts.clock.nowMs());
    if ('problem' in chain) return { named: given, problem: chain.problem };
    // One that has a way of its own to the old anchor stays as it is.
    const goesOn = issuer.chainPems.every((pem, at) => chain[at] === pem);
    return { named: goesOn ? { ...given, state: withIssuer(state, issuer.withChain(chain)) } : given };
  }

  #isBelowNew({ anchorSha256 }: Issuer): boolean {
    const { rotation } = this.#parts.governed.decided();
    return rotation !== undefined && shasOf(rotation.added).includes(anchorSha256);
  }
}

function withIssuer(state: IssuerState, issuer: Issuer): IssuerState {
  if (state.kind === 'ready') return { ...state, issuer };
  return { ...state, ...(state.held === undefined ? { certified: issuer } : { held: { ...state.held, issuer } }) };
}

const ANOTHER = 'whoever knows the old trust anchor alone refuses all peers then; have another one signed';
