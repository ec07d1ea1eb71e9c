// The trial before an issuer comes in force: it signs a leaf and a serving certificate that never leave the process,
// and both are verified as peers would verify them, by our own path validation and by OpenSSL in a mutual TLS
// handshake. Trust material that peers refuse must not replace material that works. It imports much because it takes
// every step of issuing.
import { ApprovedRequest } from '../../domain/issuance/approved-request.ts';
import { ChosenIssuer } from '../../domain/issuance/chosen-issuer.ts';
import { PreparedCertificate, SERIAL_BYTES } from '../../domain/issuance/prepared-certificate.ts';
import { ambientProblems } from '../../domain/x509/path/ambient.ts';
import { judgeCertificate } from '../../domain/x509/path/judge-certificate.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import { inSentence } from '../../domain/x509/path/path-problem.ts';
import { readPublicKey, type SubjectPublicKey } from '../../domain/x509/public-key.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { HostName } from '../../domain/x509/template.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Signer } from '../../ports/issuing/signer.ts';
import type { KeyGenerator } from '../../ports/issuing/key-generator.ts';
import type { Random } from '../../ports/platform/random.ts';
import type { TrialEnd, TrialHandshake } from '../../ports/issuing/trial-handshake.ts';

export interface TrialParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: KeyGenerator;
  readonly handshake: TrialHandshake;
}

export interface TrialSettings {
  /** What the CA's own serving certificate is called. */
  readonly servingNames: readonly HostName[];
  /** Whether ztunnels are served, which refuse more than other peers do. */
  readonly ambient: boolean;
}

/** What is to come in force: an issuer with its signer, and the trust anchors that it is to be verified by. */
export interface TrialMaterial {
  readonly issuer: Issuer;
  readonly signer: Signer;
  readonly bundle: TrustBundle;
  /** As in TrustAnchors. */
  readonly partialAnchors: boolean;
}

/** @returns why peers would refuse what this material issues, in words; nothing when they would take it. */
export type IssuerTrial = (
  material: TrialMaterial,
  options: { readonly signal: AbortSignal },
) => Promise<string | undefined>;

const TRIAL_LIFETIMES = { defaultMs: 60_000, maxMs: 60_000, minMs: 1_000, backdateMs: 1_000, jitterPercent: 0 };

export function issuerTrial(parts: TrialParts, { servingNames, ambient }: TrialSettings): IssuerTrial {
  return async (material, options) => {
    const { trustDomain } = material.bundle;
    const leaf = await issue(
      parts,
      material,
      (chosen, key) => ApprovedRequest.forTrial(chosen, trustDomain, key),
      options,
    );
    const own = await issue(
      parts,
      material,
      (chosen, key) => ApprovedRequest.forServing(chosen, { names: servingNames }, key, TRIAL_LIFETIMES.maxMs),
      options,
    );
    const nowMs = parts.clock.nowMs();
    return (
      pathProblem('a workload certificate', leaf, material, nowMs) ??
      pathProblem("Capstan's own serving certificate", own, material, nowMs) ??
      (ambient ? ambientProblem(material) : undefined) ??
      (await handshakeProblem(parts, material, leaf, own, options))
    );
  };
}

async function issue(
  { clock, random, keys }: TrialParts,
  { issuer, signer }: TrialMaterial,
  approve: (chosen: ChosenIssuer, key: SubjectPublicKey) => ApprovedRequest,
  options: { readonly signal: AbortSignal },
): Promise<TrialEnd> {
  const { spki, privateKeyPem } = await keys.generate('ec-p256');
  const nowMs = clock.nowMs();
  const candidate = { name: 'on trial', bounds: { maxTtlMs: Infinity }, state: { kind: 'ready', issuer } } as const;
  const approved = approve(ChosenIssuer.forOwn(candidate, nowMs), readPublicKey(spki));
  const prepared = PreparedCertificate.from(approved, TRIAL_LIFETIMES, {
    nowMs,
    requestedMs: 0,
    fraction: 0,
    serial: random.bytes(SERIAL_BYTES),
  });
  const { pem } = prepared.finish(await signer.sign(prepared.tbs, options));
  return { certificateChainPem: pem + issuer.chainPems.join(''), privateKeyPem };
}

function pathProblem(
  what: string,
  { certificateChainPem }: TrialEnd,
  { bundle }: TrialMaterial,
  nowMs: number,
): string | undefined {
  const [leaf, ...chain] = pathCertificatesOf(certificateChainPem);
  if (leaf === undefined) return `${what} does not parse`;
  const { path, problems, untimely } = judgeCertificate(leaf, chain, bundle.anchors, nowMs);
  if (path === undefined) return `${what} leads to no trust anchor`;
  const [problem] = [...problems, ...untimely].map((one) =>
    one.certificate === leaf ? `it ${one.says}` : inSentence(one),
  );
  return problem && `peers would refuse ${what}: ${problem}`;
}

/** Every anchor goes out, so every one is judged: what a ztunnel leaves out it does not miss until something is below it. */
function ambientProblem({ issuer, bundle }: TrialMaterial): string | undefined {
  const chain = pathCertificatesOf(issuer.chainPems.join(''));
  const [problem] = ambientProblems([...chain, ...bundle.anchors]);
  return problem && `it would cut ambient off: ${inSentence(problem)}; ${WITHOUT_AMBIENT}`;
}

const WITHOUT_AMBIENT = 'where no ztunnel is served, say so with an empty cluster.kubernetes.trustedNodeAccounts';

/** Each kind of certificate in each of its parts: our own serves, a workload's serves and calls. */
async function handshakeProblem(
  { handshake }: TrialParts,
  { bundle, partialAnchors }: TrialMaterial,
  leaf: TrialEnd,
  own: TrialEnd,
  { signal }: { readonly signal: AbortSignal },
): Promise<string | undefined> {
  for (const server of [own, leaf]) {
    const ends = { server, client: leaf, anchorsPem: bundle.pem };
    const problem = await handshake.shake(ends, { partialChain: partialAnchors, signal });
    if (problem !== undefined) return `peers would refuse what it issues: ${problem}`;
  }
  return undefined;
}
