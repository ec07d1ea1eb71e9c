// The CA's own certificates during a rotation of trust anchors: they move last. Whoever lags behind can still verify them, and
// the old trust anchor may not leave the bundles before they have moved.
import type { OwnCertificate } from '../../domain/trust/rotation/gate.ts';
import { shasOf } from '../../domain/trust/rotation/rotation.ts';
import type { GovernedAnchors } from './governed-anchors.ts';

/** What each who keeps such a certificate is told, and says. */
export interface OwnMoves {
  /** Whether a certificate below this anchor, hex SHA-256, is to stay although another issuer signs by now. */
  readonly waits: (trustAnchor: string) => boolean;
  /** Calls `listener` when that may have changed, until the signal aborts. */
  readonly onChange: (listener: () => void, options: { readonly signal: AbortSignal }) => void;
}

/** @returns nothing where no certificate is. What cannot be looked at is told as a `problem`. */
export type CertificateLook = (options: { readonly signal: AbortSignal }) => Promise<OwnCertificate | undefined>;

export class OwnCertificates implements OwnMoves {
  readonly #anchors: Pick<GovernedAnchors, 'decided' | 'onChange'>;
  readonly #looks: CertificateLook[] = [];
  /** By name. */
  readonly #inForce = new Map<string, OwnCertificate>();

  constructor({ anchors }: { readonly anchors: Pick<GovernedAnchors, 'decided' | 'onChange'> }) {
    this.#anchors = anchors;
  }

  /** From now on this one is shown in place of the former one of the name. */
  note(certificate: OwnCertificate): void {
    this.#inForce.set(certificate.name, certificate);
  }

  /** From now on this one is looked at too, where it lies: whoever put it there. */
  include(look: CertificateLook): void {
    this.#looks.push(look);
  }

  /** Those of this process, and those that lie where every process can look at them. */
  async all(options: { readonly signal: AbortSignal }): Promise<readonly OwnCertificate[]> {
    const looked = await Promise.all(this.#looks.map(async (look) => look(options)));
    return [...this.#inForce.values(), ...looked.filter((one) => one !== undefined)];
  }

  waits(trustAnchor: string): boolean {
    const { rotation } = this.#anchors.decided();
    if (rotation?.phase !== 'adopt' || rotation.leavesMovedMs !== undefined) return false;
    return shasOf(rotation.old).includes(trustAnchor);
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#anchors.onChange(listener, options);
  }
}
