// Revocation lists as tests make them, by Capstan's own writer and by hand.
import { sign, createPrivateKey } from 'node:crypto';
import { unsignedCrl, type CrlContents } from '../../../src/domain/x509/crl/write-crl.ts';
import { ISSUER_SIGNATURES } from '../../../src/domain/x509/key-types.ts';
import type { Issuer } from '../../../src/domain/x509/issuer.ts';
import type { CaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { encodePem } from '../../../src/domain/x509/pem.ts';
import { KEEP_LAPSED_MS, type Crls, type KeptCrl } from '../../../src/ports/revocation/crls.ts';
import type { RevokedNow } from '../../../src/ports/revocation/revoked-now.ts';
import type { RevokedCertificate } from '../../../src/domain/revocation/revoked-certificate.ts';
import { Listeners } from '../../../src/live/listeners.ts';

const HOUR_MS = 3_600_000;

export interface CrlOf {
  readonly issuer: CrlContents['issuer'];
  readonly keyPem: string;
}

/** A list of this moment, for a day. */
export function crlOf({ issuer, keyPem }: CrlOf, nowMs: number, given: Partial<CrlContents> = {}): Uint8Array {
  const contents = {
    issuer,
    number: 1,
    thisUpdateMs: nowMs - 60_000,
    nextUpdateMs: nowMs + 24 * HOUR_MS,
    revoked: [],
    ...given,
  };
  const unsigned = unsignedCrl(contents);
  const { hash } = ISSUER_SIGNATURES[issuer.algorithm];
  return unsigned.assemble(sign(hash, unsigned.tbs, createPrivateKey(keyPem)));
}

export function crlPem(der: Uint8Array): string {
  return encodePem('X509 CRL', der);
}

/** A CA as one that signs lists, such as a root: with a key of P-256. */
export function crlIssuerOf({
  subjectDer,
  extensions,
}: CaCertificate): Pick<Issuer, 'subjectDer' | 'subjectKeyId' | 'algorithm'> {
  return { subjectDer, subjectKeyId: extensions.subjectKeyId ?? new Uint8Array(), algorithm: 'ecdsa-p256-sha256' };
}

/** Lists in memory, as several processes share them. */
export class MemoryCrls implements Crls {
  /** Thrown by every call while it is set. */
  failure: Error | undefined;
  #kept: readonly KeptCrl[] = [];

  async all({ signal }: { readonly signal: AbortSignal }): Promise<readonly KeptCrl[]> {
    signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    return this.#kept;
  }

  async keep(crl: KeptCrl, options: { readonly nowMs: number; readonly signal: AbortSignal }): Promise<boolean> {
    await this.all(options);
    if (this.#kept.some(({ issuer, number }) => issuer === crl.issuer && number >= crl.number)) return false;
    const lapsed = ({ nextUpdateMs }: KeptCrl): boolean => nextUpdateMs <= options.nowMs - KEEP_LAPSED_MS;
    this.#kept = [...this.#kept.filter((one) => one.issuer !== crl.issuer && !lapsed(one)), crl];
    return true;
  }
}

/** What is revoked is what a test says. */
export class FakeRevoked implements RevokedNow {
  failure: Error | undefined;
  /** How many there are, where lists cannot have all. */
  count: number | undefined;
  readonly #listeners = new Listeners();
  #certificates: readonly RevokedCertificate[] = [];

  set(certificates: readonly RevokedCertificate[]): void {
    this.#certificates = certificates;
    this.#listeners.notify();
  }

  /** Without saying so, as a certificate that was on its way when its ban came. */
  setQuietly(certificates: readonly RevokedCertificate[]): void {
    this.#certificates = certificates;
  }

  async revoked() {
    if (this.failure !== undefined) throw this.failure;
    return { certificates: this.#certificates, count: this.count ?? this.#certificates.length };
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }
}
