// A throwaway corporate PKI and a maker of CSRs, both written by a library that Capstan's hot path
// shares no code with.
import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import {
  createIntermediate,
  createRoot,
  type CaKeyPair,
  type CaKeyType,
} from '../../src/adapters/dev/bootstrap-authority.ts';
import { memorySigner } from '../../src/adapters/issuers/memory/memory-signer.ts';
import { parseTrustDomain } from '../../src/domain/identity/trust-domain.ts';
import { TrustBundle } from '../../src/domain/trust/bundle.ts';
import { Issuer, type IssuerProblem } from '../../src/domain/x509/issuer.ts';
import type { TrialMaterial } from '../../src/authority/trust/issuer-trial.ts';
import { NOON_MS } from './fakes/fake-clock.ts';

const DAY_MS = 86_400_000;
export const TEST_TRUST_DOMAIN = parseTrustDomain('cluster.local')!;

export interface TestAuthority {
  readonly root: CaKeyPair;
  readonly intermediate: CaKeyPair;
  readonly issuer: Issuer;
  readonly bundle: TrustBundle;
  readonly material: TrialMaterial;
}

export interface TestAuthorityOptions {
  readonly nowMs?: number;
  readonly keyType?: CaKeyType;
  /** An existing root to stand under, for a second intermediate. */
  readonly root?: CaKeyPair;
  readonly intermediateLifetimeMs?: number;
  readonly rootLifetimeMs?: number;
}

/** A root and an intermediate under it, ready to sign. */
export async function testAuthority(options: TestAuthorityOptions = {}): Promise<TestAuthority> {
  const { nowMs = Date.now(), keyType = 'ec-p256', intermediateLifetimeMs = 365 * DAY_MS } = options;
  const rootLifetimeMs = options.rootLifetimeMs ?? 3650 * DAY_MS;
  const root =
    options.root ?? (await createRoot({ name: 'Test Corporate Root', nowMs, lifetimeMs: rootLifetimeMs, keyType }));
  const lifetimeMs = intermediateLifetimeMs;
  const intermediate = await createIntermediate(root, { name: 'Test Mesh Issuer', nowMs, lifetimeMs, keyType });
  const bundle = good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, root.certificatePem));
  const issuer = good(Issuer.fromPem(intermediate.certificatePem, bundle.anchors, { nowMs, names: [] }));
  const signer = memorySigner(createPrivateKey(intermediate.keyPem), issuer.algorithm);
  return {
    root,
    intermediate,
    issuer,
    bundle,
    material: { bundle, partialAnchors: false, issuer, signer },
  };
}

/** @returns the intermediate's certificate anew, for the same key, with no word of how many CAs may stand below it, as cert-manager's. */
export async function withoutPathLength({ root, intermediate }: TestAuthority): Promise<string> {
  const [above, own] = [
    new x509.X509Certificate(root.certificatePem),
    new x509.X509Certificate(intermediate.certificatePem),
  ];
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keyDer = x509.PemConverter.decodeFirst(root.keyPem);
  const { subject, notBefore, notAfter, publicKey } = own;
  const others = own.extensions.filter((one) => !(one instanceof x509.BasicConstraintsExtension));
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject, notBefore, notAfter, publicKey, issuer: above.subject, serialNumber: '41' },
    signingKey: await webcrypto.subtle.importKey('pkcs8', keyDer, algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true), ...others],
  });
  return `${certificate.toString('pem')}\n`;
}

interface Written {
  readonly pem: string;
  readonly keyPem: string;
}

/** What is in force with these files, at noon of the fake clock unless said otherwise. */
export function materialOf(
  own: Written,
  above: readonly Written[],
  roots: readonly Written[],
  nowMs = NOON_MS,
): TrialMaterial {
  const textOf = (written: readonly Written[]): string => written.map(({ pem }) => pem).join('');
  const bundle = good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, textOf(roots)));
  const issuer = good(Issuer.fromPem(textOf([own, ...above]), bundle.anchors, { nowMs, names: [] }));
  const signer = memorySigner(createPrivateKey(own.keyPem), issuer.algorithm);
  return { bundle, partialAnchors: false, issuer, signer };
}

/** The value, or a failed test that says why there is none. */
export function good<T extends object>(value: T | { readonly problem: string } | IssuerProblem): T {
  if ('problem' in value) throw new Error(value.problem);
  return value;
}

export type CsrKeyType = 'ec-p256' | 'ec-p384' | 'ec-p521' | 'rsa-1024' | 'rsa-2048' | 'rsa-4096' | 'ed25519';

export interface CsrOptions {
  readonly keyType?: CsrKeyType;
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
  readonly names?: readonly { type: 'url' | 'dns' | 'ip' | 'email' | 'dn'; value: string }[];
  readonly criticalSan?: boolean;
  /** A distinguished name, or `empty-o` for the lone empty `O=` that Istio's agent sends. */
  readonly subject?: string;
  readonly extraExtensions?: readonly x509.Extension[];
}

export interface TestCsr {
  readonly pem: string;
  readonly der: Buffer;
  readonly privateKeyPem: string;
}

const KEYS: Readonly<
  Record<CsrKeyType, webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { name: string }>
> = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384' },
  'ec-p521': { name: 'ECDSA', namedCurve: 'P-521' },
  'rsa-1024': rsa(1024),
  'rsa-2048': rsa(2048),
  'rsa-4096': rsa(4096),
  ed25519: { name: 'Ed25519' },
};

function rsa(modulusLength: number): webcrypto.RsaHashedKeyGenParams {
  return { name: 'RSASSA-PKCS1-v1_5', modulusLength, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' };
}

export function spiffe(uri: string): { type: 'url'; value: string } {
  return { type: 'url', value: uri };
}

/** A CSR as a mesh client would send it, or deliberately otherwise. */
export async function buildCsr(options: CsrOptions = {}): Promise<TestCsr> {
  const { keyType = 'ec-p256', hash = 'SHA-256', names = [], criticalSan = true, extraExtensions = [] } = options;
  const algorithm = { ...KEYS[keyType], hash };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const san = names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names], criticalSan)] : [];
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: options.subject === 'empty-o' ? new x509.Name([{ O: [''] }]) : (options.subject ?? ''),
    keys,
    signingAlgorithm: algorithm,
    extensions: [...san, ...extraExtensions],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    pem: request.toString('pem'),
    der: Buffer.from(request.rawData),
    privateKeyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  };
}

/** What Istio's Go agent sends: RSA 2048, a lone empty `O=`, a critical SAN. */
export async function agentCsr(uri: string): Promise<TestCsr> {
  return buildCsr({ keyType: 'rsa-2048', subject: 'empty-o', names: [spiffe(uri)] });
}

/** What ztunnel sends: P-256, no subject, a critical SAN. */
export async function ztunnelCsr(uri: string): Promise<TestCsr> {
  return buildCsr({ keyType: 'ec-p256', names: [spiffe(uri)] });
}
