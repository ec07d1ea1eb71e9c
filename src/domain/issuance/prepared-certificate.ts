// From a decision to the bytes that get signed, and from a signature to a certificate that a
// second reader has confirmed. Each type here is made by the step before it and by nothing else.
import { formatDuration } from '../text/duration.ts';
import { AuthorityError } from '../errors.ts';
import { assembleCertificate, type Certificate } from '../x509/certificate.ts';
import type { Issuer } from '../x509/issuer.ts';
import { confirmCertificate } from '../x509/second-opinion.ts';
import { encodeTbsCertificate, type CertificateContents } from '../x509/template.ts';
import type { ApprovedRequest } from './approved-request.ts';
import { validityOf, type LifetimeSettings, type NoValidity } from './lifetime.ts';

/** Bytes of randomness in a serial number; the top bit is cleared so that it is positive (RFC 5280 4.1.2.2). */
export const SERIAL_BYTES = 16;

export class PreparedCertificate {
  /** DER TBSCertificate, ready for the signer. */
  readonly tbs: Uint8Array;
  readonly #contents: CertificateContents;

  private constructor(contents: CertificateContents) {
    this.#contents = contents;
    this.tbs = encodeTbsCertificate(contents);
  }

  /**
   * @throws AuthorityError `not_ready` (CAP-S01) when the issuer is not valid now or ends too soon; `policy_denied`
   *   (CAP-P05) when policy allows less than the least lifetime.
   */
  static from(
    approved: ApprovedRequest,
    issuer: Issuer,
    lifetimes: LifetimeSettings,
    facts: { nowMs: number; requestedMs: number; fraction: number; serial: Uint8Array },
  ): PreparedCertificate {
    const validity = validityOf(lifetimes, {
      ...facts,
      granted: approved.ttl,
      issuer,
    });
    if (typeof validity === 'string') throw noValidity(validity, approved.ttl.maxMs, lifetimes.minMs);
    const { profile, names, publicKey } = approved;
    return new PreparedCertificate({ profile, names, publicKey, issuer, serial: positive(facts.serial), ...validity });
  }

  /**
   * Puts the signature on, checks it with the issuer's public key, and has the finished DER read afresh.
   * @throws AuthorityError `certificate_rejected` (CAP-X01) when our own work does not hold.
   */
  finish(signature: Uint8Array): FinishedCertificate {
    const certificate = assembleCertificate(this.tbs, signature, this.#contents.issuer);
    confirmCertificate(certificate.der, this.#contents);
    return new FinishedCertificate(certificate, this.#contents);
  }
}

/** A signed certificate that passed the second opinion. Not yet recorded, so not yet to be delivered. */
export class FinishedCertificate {
  readonly pem: string;
  readonly contents: CertificateContents;

  constructor(certificate: Certificate, contents: CertificateContents) {
    this.pem = certificate.pem;
    this.contents = contents;
  }

  /** Lower-case hex without leading zeros. */
  get serial(): string {
    return Buffer.from(this.contents.serial).toString('hex').replace(/^0+/, '');
  }
}

function noValidity(why: NoValidity, maxMs: number, minMs: number): AuthorityError {
  const least = `the least is ${formatDuration(minMs)} (lifetimes.min)`;
  return why === 'issuer'
    ? new AuthorityError('CAP-S01', { detail: `the issuer certificate is not valid now, or ends too soon: ${least}` })
    : new AuthorityError('CAP-P05', { detail: `policy allows at most ${formatDuration(maxMs)}, and ${least}` });
}

function positive(serial: Uint8Array): Uint8Array {
  const copy = new Uint8Array(serial);
  copy[0] = ((copy[0] ?? 0) & 0x7f) | 0x40;
  return copy;
}
