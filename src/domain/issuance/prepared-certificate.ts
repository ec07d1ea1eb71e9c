// From a decision to the bytes that get signed, and from a signature to a certificate that a
// second reader has confirmed. Each type here is made by the step before it and by nothing else.
import { formatDuration } from '../text/duration.ts';
import { AuthorityError, bug } from '../errors.ts';
import { assembleCertificate, type Certificate } from '../x509/certificate.ts';
import { confirmCertificate } from '../x509/second-opinion.ts';
import { encodeTbsCertificate, type CertificateContents } from '../x509/template.ts';
import type { ApprovedRequest } from './approved-request.ts';
import type { ChosenIssuer } from './chosen-issuer.ts';
import { validityOf, type LifetimeSettings, type NoValidity } from './lifetime.ts';

/** Bytes of randomness in a serial number; the top bit is cleared so that it is positive (RFC 5280 4.1.2.2). */
export const SERIAL_BYTES = 16;

export class PreparedCertificate {
  /** DER TBSCertificate, ready for the signer. */
  readonly tbs: Uint8Array;
  readonly chosen: ChosenIssuer;
  readonly #contents: CertificateContents;
  #finished = false;

  private constructor(chosen: ChosenIssuer, contents: CertificateContents) {
    this.chosen = chosen;
    this.#contents = contents;
    this.tbs = encodeTbsCertificate(contents);
  }

  /**
   * For the issuer that was judged, and within its own bounds.
   * @throws AuthorityError `not_ready` (CAP-S01) when the issuer is not valid now or ends too soon; `policy_denied`
   *   (CAP-P05) when policy allows less than the least lifetime.
   */
  static from(
    approved: ApprovedRequest,
    lifetimes: LifetimeSettings,
    facts: { nowMs: number; requestedMs: number; fraction: number; serial: Uint8Array },
  ): PreparedCertificate {
    const { profile, names, publicKey, ttl, chosen } = approved.take();
    const { issuer, bounds } = chosen;
    const bounded = {
      ...lifetimes,
      maxMs: Math.min(lifetimes.maxMs, bounds.maxTtlMs, shareOfRest(chosen, lifetimes, facts)),
    };
    const validity = validityOf(bounded, { ...facts, granted: ttl, issuer });
    if (typeof validity === 'string') throw noValidity(validity, Math.min(ttl.maxMs, bounded.maxMs), lifetimes);
    const contents = { profile, names, publicKey, issuer, serial: positive(facts.serial), ...validity };
    return new PreparedCertificate(chosen, contents);
  }

  /**
   * Puts the signature on, checks it with the issuer's public key, and has the finished DER read afresh.
   * @throws AuthorityError `certificate_rejected` (CAP-X01) when our own work does not hold, or is finished twice.
   */
  finish(signature: Uint8Array): FinishedCertificate {
    if (this.#finished) throw bug('a prepared certificate is finished twice');
    this.#finished = true;
    const certificate = assembleCertificate(this.tbs, signature, this.#contents.issuer);
    confirmCertificate(certificate.der, this.#contents);
    return finished(certificate, this.#contents, this.chosen);
  }
}

/** For the step before alone. */
let finished: (certificate: Certificate, contents: CertificateContents, chosen: ChosenIssuer) => FinishedCertificate;

/** A signed certificate that passed the second opinion. Not yet recorded, so not yet to be delivered. */
export class FinishedCertificate {
  readonly pem: string;
  readonly contents: CertificateContents;
  readonly chosen: ChosenIssuer;
  #taken = false;

  private constructor(certificate: Certificate, contents: CertificateContents, chosen: ChosenIssuer) {
    this.pem = certificate.pem;
    this.contents = contents;
    this.chosen = chosen;
  }

  static {
    finished = (certificate, contents, chosen) => new FinishedCertificate(certificate, contents, chosen);
  }

  /** For its one record. @throws AuthorityError CAP-X01 the second time: that is a bug. */
  take(): void {
    if (this.#taken) throw bug('a finished certificate is recorded twice');
    this.#taken = true;
  }

  /** Lower-case hex without leading zeros. */
  get serial(): string {
    return Buffer.from(this.contents.serial).toString('hex').replace(/^0+/, '');
  }
}

/** Never less than the least lifetime: down to its end an issuer signs what it can. */
function shareOfRest(
  { issuer, bounds }: ChosenIssuer,
  { minMs }: LifetimeSettings,
  { nowMs }: { readonly nowMs: number },
): number {
  if (bounds.shareOfRest === undefined) return Infinity;
  return Math.max(minMs, Math.floor((issuer.notAfterMs - nowMs) * bounds.shareOfRest));
}

function noValidity(why: NoValidity, maxMs: number, { minMs, whole }: LifetimeSettings): AuthorityError {
  const least =
    whole === undefined
      ? `the least is ${formatDuration(minMs)} (lifetimes.min)`
      : `the least that is taken is ${formatDuration(whole.minMs)}, backdating included`;
  const limit = whole === undefined ? 'policy allows' : 'policy and lifetimes.max allow';
  return why === 'issuer'
    ? new AuthorityError('CAP-S01', { detail: `the issuer certificate is not valid now, or ends too soon: ${least}` })
    : new AuthorityError('CAP-P05', { detail: `${limit} at most ${formatDuration(maxMs)}, and ${least}` });
}

function positive(serial: Uint8Array): Uint8Array {
  const copy = new Uint8Array(serial);
  copy[0] = ((copy[0] ?? 0) & 0x7f) | 0x40;
  return copy;
}
