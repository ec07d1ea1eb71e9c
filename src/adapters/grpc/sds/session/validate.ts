// The last check of a secret before it may reach a proxy. A bad one does lasting harm there: Envoy
// remembers it even while it rejects it, and builds later contexts from it. So what is served is
// judged afresh, by OpenSSL, wherever it comes from.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { TrustBundle } from '../../../../domain/trust/bundle.ts';
import { decodePemBlocks } from '../../../../domain/x509/pem.ts';
import type { WorkloadSvid } from '../../../../authority/surface/surface.ts';

/** @returns why this certificate must not be sent now, or `undefined` when it may. */
export function svidProblem(svid: WorkloadSvid, nowMs: number): string | undefined {
  const chain = parse(svid.certificateChainPem);
  if ('problem' in chain) return `the chain ${chain.problem}`;
  const [leaf, ...above] = chain;
  if (leaf === undefined) return 'the chain is empty';
  return (
    leafProblem(leaf, svid) ??
    keyProblem(leaf, svid.privateKeyPem) ??
    linkProblem(chain, above) ??
    timeProblem(chain, svid, nowMs)
  );
}

/** @returns why this bundle must not be sent now, or `undefined` when it may. */
export function bundleProblem(bundle: TrustBundle, nowMs: number): string | undefined {
  for (const one of [bundle, ...bundle.federated]) {
    const problem = problemOfOne(one, nowMs);
    if (problem !== undefined) return `of ${one.trustDomain}: ${problem}`;
  }
  return undefined;
}

function problemOfOne(bundle: TrustBundle, nowMs: number): string | undefined {
  const anchors = parse(bundle.pem);
  if ('problem' in anchors) return `the bundle ${anchors.problem}`;
  if (anchors.length !== bundle.anchors.length) return 'the PEM of the bundle is not that of its anchors';
  if (!anchors.every(({ ca }) => ca)) return 'the bundle has a certificate that is not of a CA';
  if (anchors.every(({ validToDate }) => validToDate.getTime() <= nowMs))
    return 'every anchor of the bundle is expired';
  return undefined;
}

function parse(pem: string): readonly X509Certificate[] | { readonly problem: string } {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return blocks;
  try {
    return blocks.map((der) => new X509Certificate(der));
  } catch {
    return { problem: 'has a certificate that does not parse' };
  }
}

/** Exactly the one URI (X509-SVID section 2); the spelling is OpenSSL's. */
function leafProblem(leaf: X509Certificate, { identity }: WorkloadSvid): string | undefined {
  if (leaf.ca) return 'the leaf is a CA certificate';
  return leaf.subjectAltName === `URI:${identity.uri}` ? undefined : 'the leaf does not name exactly its SPIFFE ID';
}

function keyProblem(leaf: X509Certificate, privateKeyPem: string): string | undefined {
  try {
    return leaf.checkPrivateKey(createPrivateKey(privateKeyPem)) ? undefined : 'the key is not that of the leaf';
  } catch {
    return 'the key does not parse';
  }
}

function linkProblem(chain: readonly X509Certificate[], above: readonly X509Certificate[]): string | undefined {
  for (const [index, issuer] of above.entries()) {
    const issued = chain[index];
    if (!issuer.ca || issued?.checkIssued(issuer) !== true || !issued.verify(issuer.publicKey)) {
      return `certificate ${index} of the chain is not issued by the one after it`;
    }
    if (issuer.subject === issuer.issuer) return 'the chain carries a trust anchor';
  }
  return undefined;
}

function timeProblem(chain: readonly X509Certificate[], svid: WorkloadSvid, nowMs: number): string | undefined {
  if (svid.notAfterMs <= nowMs) return 'the certificate is expired';
  for (const [index, { validFromDate, validToDate }] of chain.entries()) {
    if (validToDate.getTime() <= nowMs) return `certificate ${index} of the chain is expired`;
    if (validFromDate.getTime() > nowMs) return `certificate ${index} of the chain is not valid yet`;
  }
  return undefined;
}
