// The trial before an issuer comes in force: it signs a leaf and a serving certificate that never leave the process,
// and both are verified as peers would verify them, by our own path validation and by OpenSSL in a mutual TLS
// handshake. Trust material that peers refuse must not replace material that works.
import { ApprovedRequest } from '../../domain/issuance/approved-request.ts';
import { PreparedCertificate, SERIAL_BYTES } from '../../domain/issuance/prepared-certificate.ts';
import { judgeCertificate } from '../../domain/x509/path/judge-certificate.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import { inSentence } from '../../domain/x509/path/judge-path.ts';
import { readPublicKey, type SubjectPublicKey } from '../../domain/x509/public-key.ts';
import type { SubjectAltName } from '../../domain/x509/template.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { AuthorityMaterial } from '../../ports/issuing/issuer-store.ts';
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
  readonly servingNames: readonly SubjectAltName[];
}

/** @returns why peers would refuse what this material issues, in words; nothing when they would take it. */
export type IssuerTrial = (
  material: AuthorityMaterial,
  options: { readonly signal: AbortSignal },
) => Promise<string | undefined>;

const TRIAL_LIFETIMES = { defaultMs: 60_000, maxMs: 60_000, minMs: 1_000, backdateMs: 1_000, jitterPercent: 0 };

export function issuerTrial(parts: TrialParts, { servingNames }: TrialSettings): IssuerTrial {
  return async (material, options) => {
    const { trustDomain } = material.bundle;
    const leaf = await issue(parts, material, (key) => ApprovedRequest.forTrial(trustDomain, key), options);
    const own = await issue(
      parts,
      material,
      (key) => ApprovedRequest.forServing(servingNames, key, TRIAL_LIFETIMES.maxMs),
      options,
    );
    const nowMs = parts.clock.nowMs();
    return (
      pathProblem('a workload certificate', leaf, material, nowMs) ??
      pathProblem("Capstan's own serving certificate", own, material, nowMs) ??
      (await handshakeProblem(parts, material, leaf, own, options))
    );
  };
}

async function issue(
  { clock, random, keys }: TrialParts,
  { signing }: AuthorityMaterial,
  approve: (key: SubjectPublicKey) => ApprovedRequest,
  options: { readonly signal: AbortSignal },
): Promise<TrialEnd> {
  const { spki, privateKeyPem } = await keys.generate('ec-p256');
  const prepared = PreparedCertificate.from(approve(readPublicKey(spki)), signing.issuer, TRIAL_LIFETIMES, {
    nowMs: clock.nowMs(),
    requestedMs: 0,
    fraction: 0,
    serial: random.bytes(SERIAL_BYTES),
  });
  const { pem } = prepared.finish(await signing.signer.sign(prepared.tbs, options));
  return { certificateChainPem: pem + signing.issuer.chainPems.join(''), privateKeyPem };
}

function pathProblem(
  what: string,
  { certificateChainPem }: TrialEnd,
  { bundle }: AuthorityMaterial,
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

/** Each kind of certificate in each of its parts: our own serves, a workload's serves and calls. */
async function handshakeProblem(
  { handshake }: TrialParts,
  { bundle, partialAnchors }: AuthorityMaterial,
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
