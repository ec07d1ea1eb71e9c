// Judges a cross-certificate, as strictly as what signs: it goes out behind every chain below the new trust anchor.
import { readCaCertificate, type CaCertificate } from '../../x509/ca-certificate.ts';
import { isSelfSigned, sameBytes } from '../../x509/path/certificate.ts';
import { namedAs } from '../../x509/path/certified-names.ts';
import { isAmong, signersOf } from '../../x509/path/find-paths.ts';
import { judgePath, namesakeProblems, timeProblems, type Purpose } from '../../x509/path/judge-path.ts';
import { inSentence } from '../../x509/path/path-problem.ts';
import { decodePemBlocks } from '../../x509/pem.ts';
import type { TrustBundle } from '../bundle.ts';
import { certifiedNames, type CrossCertificate } from './bridge.ts';
import { nameOf, shasOf, type AnchorName, type AnchorRotation } from './rotation.ts';

/** More than any certificate has; of this much every workload's chain grows. */
const MAX_PEM_CHARACTERS = 16_384;

/**
 * @param pem one certificate.
 * @param bundle what is in force, with old and new.
 * @returns the certificate, or what is wrong with it, to follow "the cross-certificate".
 */
export function crossCertificateFrom(
  pem: string,
  { added, old }: Pick<AnchorRotation, 'added' | 'old'>,
  bundle: TrustBundle,
  nowMs: number,
): CrossCertificate | { readonly problem: string } {
  const certificate = onlyCertificate(pem);
  if ('problem' in certificate) return certificate;
  const among = (names: readonly AnchorName[]): readonly CaCertificate[] =>
    bundle.anchors.filter(({ sha256 }) => shasOf(names).includes(sha256));
  const olds = among(old);
  const target = among(added).find((anchor) => isSameCa(anchor, certificate));
  if (isSelfSigned(certificate)) return { problem: 'is self-signed: have the new trust anchor signed by the old one' };
  if (olds.some((anchor) => isSameCa(anchor, certificate)))
    return {
      problem: 'is of the old trust anchor: the new one has to be signed by the old one, not the other way round',
    };
  if (target === undefined)
    return { problem: `is of ${certificate.subject}, and not of name and key of ${added.map(nameOf).join(' or ')}` };
  const [signer] = signersOf(certificate, olds);
  if (signer === undefined) return { problem: `is not signed by ${old.map(nameOf).join(' or ')}` };
  const problems = [...keyIdProblems(certificate, target), ...problemsOf(certificate, signer, bundle, nowMs)];
  if (problems.length > 0) return { problem: problems.join('; ') };
  const { sha256, subject, notAfterMs } = certificate;
  const endMs = Math.min(notAfterMs, signer.notAfterMs);
  return { sha256, subject, notAfterMs: endMs, pem: certificate.pem, from: signer.sha256 };
}

function onlyCertificate(pem: string): CaCertificate | { readonly problem: string } {
  if (pem.length > MAX_PEM_CHARACTERS) return { problem: `is larger than ${MAX_PEM_CHARACTERS} characters` };
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return blocks;
  const [der = new Uint8Array(), ...more] = blocks;
  if (more.length > 0) return { problem: `is one certificate, and the file has ${blocks.length}` };
  return readCaCertificate(der);
}

function isSameCa(one: CaCertificate, other: CaCertificate): boolean {
  return sameBytes(one.subjectDer, other.subjectDer) && sameBytes(one.spki, other.spki);
}

/** What the new anchor signed names it by that identifier. */
function keyIdProblems(certificate: CaCertificate, target: CaCertificate): readonly string[] {
  const [own, wanted] = [certificate, target].map(({ extensions }) => extensions.subjectKeyId);
  if (own === undefined || wanted === undefined || sameBytes(own, wanted)) return [];
  return [
    'has another subject key identifier than the new trust anchor: peers would not take it for the issuer of what that one signed',
  ];
}

function problemsOf(
  certificate: CaCertificate,
  signer: CaCertificate,
  bundle: TrustBundle,
  nowMs: number,
): readonly string[] {
  const path = [certificate, signer] as const;
  const named = namedAs(certifiedNames(bundle.trustDomain));
  const purpose: Purpose = { named, uses: ['serverAuth', 'clientAuth'], casBelow: 1 };
  const others = bundle.anchors.filter((anchor) => !isAmong(anchor, [signer]));
  return [...judgePath(path, purpose), ...namesakeProblems(path, others), ...timeProblems(path, nowMs)].map(inSentence);
}
