// Everything both sides are fed with, made anew for each run in a temporary folder: a two-tier
// P-256 CA, CSRs, trust bundles of about 4 KB, a serving certificate for the yardstick, tokens.
import 'reflect-metadata';
import { createPrivateKey, sign, type KeyObject, type webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as x509 from '@peculiar/x509';
import { exportJWK } from 'jose';
import { CALLER_ID, IDENTITIES, NAMESPACE, serviceAccount, TOKEN_ISSUER } from './workloads.ts';

const HOUR_MS = 3_600_000;
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const RSA2048 = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
/** With the root, about 4 KB of PEM. */
const FURTHER_ANCHORS = 6;

/**
 * More than the server remembers as verified (10,000): when a call comes with a token again, it is
 * forgotten, so each call pays for a whole verification. Agents of a mesh come hours apart and pay it too.
 */
const CALLER_TOKENS = 12_000;
const TOKEN_SECONDS = 12 * 3600;

export type CsrKind = 'p256' | 'rsa2048';

/** Paths of the files. */
export interface Material extends AsyncDisposable {
  readonly folder: string;
  readonly issuerCert: string;
  readonly issuerKey: string;
  readonly roots: string;
  /** Bundles of one size that differ in one anchor; all hold the root. */
  readonly bundles: readonly [string, string];
  readonly servingCert: string;
  readonly servingKey: string;
  readonly csr: Readonly<Record<CsrKind, string>>;
  readonly jwks: string;
  /** Many tokens, all of the workload that the CSRs are for; made when first asked for, in some seconds. */
  callerTokens(): Promise<string>;
  /** One token per identity. */
  readonly tokens: string;
}

interface Holder {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export async function makeMaterial(): Promise<Material> {
  const folder = await mkdtemp(path.join(tmpdir(), 'capstan-bench-'));
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  const root = await certify('Bench root', undefined, authorityExtensions(1));
  const issuer = await certify('Bench issuer', root, authorityExtensions(0));
  const serving = await certify('Bench server', issuer, [
    new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }]),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  ]);
  const further = await Promise.all(
    Array.from({ length: FURTHER_ANCHORS + 1 }, async (_, n) =>
      pem(await certify(`Anchor ${n}`, undefined, authorityExtensions(1))),
    ),
  );
  const { jwks, tokensFor } = await makeTokens();
  let callerTokens: Promise<string> | undefined;
  return {
    folder,
    roots: await write('root-cert.pem', pem(root)),
    issuerCert: await write('issuer.pem', pem(issuer)),
    issuerKey: await write('issuer-key.pem', await keyPem(issuer)),
    bundles: [
      await write('bundle-a.pem', pem(root) + further.slice(1).join('')),
      await write('bundle-b.pem', pem(root) + further.slice(0, -1).join('')),
    ],
    servingCert: await write('serving.pem', pem(serving) + pem(issuer)),
    servingKey: await write('serving-key.pem', await keyPem(serving)),
    csr: {
      p256: await write('p256.csr', await makeCsr(P256)),
      rsa2048: await write('rsa2048.csr', await makeCsr(RSA2048)),
    },
    jwks: await write('jwks.json', jwks),
    callerTokens: async () =>
      (callerTokens ??= write(
        'caller-tokens',
        tokensFor(CALLER_TOKENS, () => serviceAccount(0)),
      )),
    tokens: await write('tokens', tokensFor(IDENTITIES, serviceAccount)),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}

function authorityExtensions(pathLength: number): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
}

async function certify(name: string, signedBy: Holder | undefined, extensions: x509.Extension[]): Promise<Holder> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const signer = signedBy ?? { keys, certificate: undefined };
  const authorityKey = await x509.AuthorityKeyIdentifierExtension.create(signer.keys.publicKey);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: signer.certificate?.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - HOUR_MS),
    // Six times as long as the longest leaf, which the server demands.
    notAfter: new Date(Date.now() + 7 * 24 * HOUR_MS),
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: P256,
    extensions: [...extensions, authorityKey, await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return { certificate, keys };
}

/** A CSR as Istio's agent writes it: no subject, one URI. */
async function makeCsr(algorithm: typeof P256 | typeof RSA2048): Promise<string> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = new x509.SubjectAlternativeNameExtension([{ type: 'url', value: CALLER_ID }], true);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
    extensions: [names],
  });
  return `${csr.toString('pem')}\n`;
}

/** RS256 as Kubernetes signs its tokens, with the claims of a projected token. */
async function makeTokens() {
  const keys = await crypto.subtle.generateKey(RSA2048, true, ['sign', 'verify']);
  const publicJwk = { ...(await exportJWK(keys.publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' };
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const tokensFor = (count: number, account: (number: number) => string): string =>
    Array.from({ length: count }, (_, number) => tokenFor(account(number), key)).join('\n');
  return { jwks: JSON.stringify({ keys: [publicJwk] }), tokensFor };
}

function tokenFor(account: string, key: KeyObject): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const named = (name: string) => ({ name, uid: crypto.randomUUID() });
  const claims = {
    iss: TOKEN_ISSUER,
    sub: `system:serviceaccount:${NAMESPACE}:${account}`,
    aud: ['istio-ca'],
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + TOKEN_SECONDS,
    jti: crypto.randomUUID(),
    'kubernetes.io': {
      namespace: NAMESPACE,
      serviceaccount: named(account),
      pod: named(`${account}-0`),
      node: named('node-0'),
    },
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: 'bench' })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function pem({ certificate }: Holder): string {
  return `${certificate.toString('pem')}\n`;
}

async function keyPem({ keys }: Holder): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}
