// A process of its own: issues for one CSR again and again, by the steps of authority/issue-certificate.ts
// and with its own types, but without the journal. Arguments: issuer, key, roots, CSR (files), warm-up and
// window (seconds). Prints {"perSecond": N}, per second of CPU time, so that a busy machine does not count. With one more
// argument, `memory` or a key in a token as `issuer.pkcs11` has it, it is per second by the clock, with many under way.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SystemRandom } from '../../../../src/adapters/clock/system-random.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import type { TokenKeyReference } from '../../../../src/adapters/issuers/pkcs11/messages.ts';
import { Pkcs11Opener, writeReference } from '../../../../src/adapters/issuers/pkcs11/pkcs11-opener.ts';
import { TokenProcess } from '../../../../src/adapters/issuers/pkcs11/token-process.ts';
import { memorySigner } from '../../../../src/adapters/issuers/memory/memory-signer.ts';
import { kubernetesIdentity } from '../../../../src/domain/identity/kubernetes-identity.ts';
import { parseTrustDomain } from '../../../../src/domain/identity/trust-domain.ts';
import { IssuerChooser } from '../../../../src/authority/issuing/choose-issuer.ts';
import { ApprovedRequest } from '../../../../src/domain/issuance/approved-request.ts';
import { PreparedCertificate, SERIAL_BYTES } from '../../../../src/domain/issuance/prepared-certificate.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import type { Signer } from '../../../../src/ports/issuing/signer.ts';
import { CertificateRequest } from '../../../../src/domain/x509/request/certificate-request.ts';
import { Issuer } from '../../../../src/domain/x509/issuer.ts';
import { matchRequestedIdentity } from '../../../../src/domain/x509/request/requested-identity.ts';
import { bundle, policySet, request, rule, snapshot } from '../../../support/policy/policies.ts';
import { NAMESPACE, serviceAccount, TRUST_DOMAIN } from '../../workloads.ts';

const HOUR_MS = 3_600_000;
const LIFETIMES = { defaultMs: 24 * HOUR_MS, maxMs: 24 * HOUR_MS, minMs: 10_000, backdateMs: 60_000, jitterPercent: 5 };
const POLICIES = policySet(bundle({ rules: [rule({ match: { namespaces: { names: ['bench'] } } })] }));
const CLUSTER = snapshot();
const clock = new SystemClock();
const tokens = new Pkcs11Opener({ clock, fork: () => new TokenProcess(clock) });
/** As many as a busy server has under way. */
const TOGETHER = 32;

const [issuerFile = '', keyFile = '', rootsFile = '', csrFile = '', warmUp = '', window = '', where] =
  process.argv.slice(2);
const text = (file: string): string => readFileSync(file, 'utf8');

const trustDomain = sound(parseTrustDomain(TRUST_DOMAIN));
const { anchors } = sound(TrustBundle.fromPem(trustDomain, text(rootsFile)));
const issuer = sound(Issuer.fromPem(text(issuerFile), anchors, { nowMs: Date.now(), names: [] }));
const signer = await signerAt(where);
const state = { kind: 'ready', issuer, signer } as const;
const chooser = new IssuerChooser({
  all: () => [{ name: 'default', custody: 'file', bounds: { maxTtlMs: Infinity }, state }],
});
const identity = sound(kubernetesIdentity(trustDomain, NAMESPACE, serviceAccount(0)));
const csrPem = text(csrFile);
const random = new SystemRandom();
const signal = AbortSignal.timeout(HOUR_MS);

await measure(Number(warmUp));
console.log(JSON.stringify({ perSecond: await measure(Number(window)) }));
tokens.close();

async function signerAt(place = 'memory'): Promise<Signer> {
  if (place === 'memory') return memorySigner(createPrivateKey(text(keyFile)), issuer.algorithm);
  const { pinFile, ...reference } = JSON.parse(place) as TokenKeyReference & { readonly pinFile: string };
  const document = { text: writeReference(reference), secret: text(pinFile) };
  return sound(await tokens.open(document, { signal: AbortSignal.timeout(HOUR_MS) })).signerFor(issuer.algorithm);
}

async function measure(seconds: number): Promise<number> {
  return where === undefined ? issueFor(seconds) : issueTogether(seconds);
}

async function issueTogether(seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let issued = 0;
  const worker = async (): Promise<void> => {
    for (; performance.now() < endMs; issued++) await issue();
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
  return issued / seconds;
}

async function issueFor(seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let issued = 0;
  for (; performance.now() < endMs; issued++) await issue();
  // All threads: a compiler or collector thread works for the loop too.
  const { user, system } = process.cpuUsage(before);
  return (issued * 1e6) / (user + system);
}

/** PEM in, PEM out: parse, verify the CSR, match, judge, encode, sign, verify ours, second opinion. */
async function issue(): Promise<string> {
  const { publicKey, uris } = CertificateRequest.fromPem(csrPem);
  matchRequestedIdentity(uris, identity.spiffeId);
  const key = { type: publicKey.family, bits: publicKey.bits };
  const { serviceAccount: account } = identity;
  const nowMs = Date.now();
  const plain = request({ namespace: NAMESPACE, serviceAccount: account, key, nowMs });
  const asked = { ...plain, issuer: chooser.choose(POLICIES, plain, CLUSTER, nowMs) };
  const approved = ApprovedRequest.byPolicy(evaluate(POLICIES, asked, CLUSTER), publicKey);
  const prepared = PreparedCertificate.from(approved, LIFETIMES, {
    nowMs: Date.now(),
    requestedMs: 0,
    fraction: random.fraction(),
    serial: random.bytes(SERIAL_BYTES),
  });
  return prepared.finish(await chooser.signerOf(prepared.chosen).sign(prepared.tbs, { signal })).pem;
}

function sound<T>(value: T): Exclude<T, undefined | { readonly problem: string }> {
  if (value === undefined || (typeof value === 'object' && value !== null && 'problem' in value)) {
    throw new Error(`bench material is broken: ${JSON.stringify(value)}`);
  }
  return value as Exclude<T, undefined | { readonly problem: string }>;
}
