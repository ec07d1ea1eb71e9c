// Judges the three documents of an issuer together: trust anchors, certificate chain and private key.
// What comes out is whole and fits; what does not is named by its place.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../domain/trust/bundle.ts';
import { Issuer } from '../../domain/x509/issuer.ts';
import type { AuthorityMaterial } from '../../ports/issuer-store.ts';
import { memorySigner } from './memory-signer.ts';

export type IssuerDocument = 'anchors' | 'chain' | 'key';

/** The texts, and what an operator calls each. */
export interface IssuerDocuments {
  textOf(name: IssuerDocument): string;
  placeOf(name: IssuerDocument): string;
}

/** @throws AuthorityError CAP-X03 naming the document at fault and what is wrong with it. */
export function issuerMaterial(documents: IssuerDocuments, trustDomain: TrustDomain, nowMs: number): AuthorityMaterial {
  const refuse = (name: IssuerDocument, problem: string): AuthorityError =>
    new AuthorityError('CAP-X03', { detail: `${documents.placeOf(name)} ${problem}` });
  const bundle = TrustBundle.fromPem(trustDomain, documents.textOf('anchors'));
  if ('problem' in bundle) throw refuse('anchors', bundle.problem);
  const issuer = Issuer.fromPem(documents.textOf('chain'), bundle.anchors);
  if ('problem' in issuer) throw refuse('chain', issuer.problem);
  const untimely = untimelyOf(issuer, nowMs);
  if (untimely !== undefined) throw refuse('chain', untimely);
  const key = readKey(documents.textOf('key'));
  if ('problem' in key) throw refuse('key', key.problem);
  const fits = createPublicKey(key).equals(issuer.publicKey);
  if (!fits) throw refuse('key', `is not the key of the certificate in ${documents.placeOf('chain')}`);
  return { bundle, signing: { issuer, signer: memorySigner(key, issuer.algorithm) } };
}

function untimelyOf({ notBeforeMs, notAfterMs }: Issuer, nowMs: number): string | undefined {
  if (notAfterMs <= nowMs) return `ended at ${new Date(notAfterMs).toISOString()}`;
  return notBeforeMs > nowMs ? `is not valid before ${new Date(notBeforeMs).toISOString()}` : undefined;
}

/** PKCS#8, SEC1 or PKCS#1. The cause is dropped on purpose: OpenSSL's message may quote what it read. */
function readKey(pem: string): KeyObject | { readonly problem: string } {
  if (/^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return { problem: 'is encrypted; Capstan takes an unencrypted key in a file that only its owner may read' };
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return { problem: 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)' };
  }
}
