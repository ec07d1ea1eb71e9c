// A CA above issuers that a test lets answer, fail or wait.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CaKeyPair } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { IntermediateRequest, IntermediateUpstream } from '../../../src/ports/issuing/intermediate-upstream.ts';

const BACKDATE_MS = 60_000;

/** Signs whatever it is asked for, under a root with a key on P-256. */
export class FakeUpstream implements IntermediateUpstream {
  readonly place = 'the fake CA';
  readonly asked: IntermediateRequest[] = [];
  /** Thrown instead of an answer, until it is taken away. */
  problem: string | undefined;
  /** Waited for before each answer. */
  held: Promise<unknown> = Promise.resolve();
  /** How many certificates it is making: that takes real time, which a fake clock knows nothing of. */
  signing = 0;
  /** How long before it is asked its certificates begin. */
  backdateMs = BACKDATE_MS;
  /** In place of the lifetime that it is asked for. */
  lifetimeMs: number | undefined;
  /** In place of a certificate. */
  answer: string | undefined;
  readonly #root: CaKeyPair;
  readonly #nowMs: () => number;

  constructor(root: CaKeyPair, nowMs: () => number = Date.now) {
    this.#root = root;
    this.#nowMs = nowMs;
  }

  async sign(request: IntermediateRequest, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    signal.throwIfAborted();
    this.asked.push(request);
    await this.held;
    if (this.problem !== undefined) throw new AuthorityError('CAP-S16', { detail: this.problem });
    this.signing += 1;
    try {
      return this.answer ?? (await signedUnder(this.#root, this.#lasting(request), this.#nowMs(), this.backdateMs));
    } finally {
      this.signing -= 1;
    }
  }

  #lasting(request: IntermediateRequest): IntermediateRequest {
    return { ...request, lifetimeMs: this.lifetimeMs ?? request.lifetimeMs };
  }
}

/** @returns PEM of a CA certificate for the request's key, path length 0. */
export async function signedUnder(
  root: CaKeyPair,
  request: IntermediateRequest,
  nowMs: number,
  backdateMs = BACKDATE_MS,
): Promise<string> {
  const [issuer, csr] = [
    new x509.X509Certificate(root.certificatePem),
    new x509.Pkcs10CertificateRequest(request.csrPem),
  ];
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keyDer = x509.PemConverter.decodeFirst(root.keyPem);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', keyDer, algorithm, false, ['sign']);
  const usages = (x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign) as x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `40${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + request.lifetimeMs),
    subject: csr.subject,
    issuer: issuer.subject,
    publicKey: csr.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(csr.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** @returns the public key of the request, as hex of its DER. */
export function keyAskedFor(csrPem: string): string {
  return Buffer.from(new x509.Pkcs10CertificateRequest(csrPem).publicKey.rawData).toString('hex');
}
