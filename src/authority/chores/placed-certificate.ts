// Whether a certificate that was put somewhere may stay there: by what can be seen of it, because who put it there may have
// been another replica.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { PlacedCertificate } from '../../ports/issuing/certificate-place.ts';

export interface WantedCertificate {
  /** Each as X509Certificate.subjectAltName spells it, such as `DNS:istiod.istio-system.svc`. */
  readonly names: readonly string[];
  /** Those whose leaves are good, whether or not they can sign now. */
  readonly issuers: readonly Issuer[];
  /** Whether what an issuer of before signed is to stay, by the PEM of that one's chain. */
  readonly waits: (chainPem: string) => boolean;
}

/** @returns why another is to be issued, in words; nothing while this one is good for more than half of its life. */
export function replacementNeeded(
  placed: PlacedCertificate | undefined,
  { names, issuers, waits }: WantedCertificate,
  nowMs: number,
): string | undefined {
  const leaf = leafOf(placed);
  if (placed === undefined || leaf === undefined) return 'there is none';
  const { issuer } = leaf;
  const chainPem = chainOf(placed);
  const isOurs = issuers.some(({ chainPems }) => chainPem === chainPems.join('')) || waits(chainPem);
  if (!isOurs || !leaf.verify(new X509Certificate(chainPem).publicKey)) {
    return `it is signed by ${issuer.replaceAll('\n', ', ')}, which is no issuer in force`;
  }
  const found = leaf.subjectAltName?.split(', ') ?? [];
  if (found.length !== names.length || !names.every((name) => found.includes(name))) return 'it has other names';
  const [startMs, endMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  if (nowMs < startMs) return 'it is not valid yet';
  return nowMs >= startMs + (endMs - startMs) / 2 ? 'half of its life has passed' : undefined;
}

/** @returns the PEM of what is below its first certificate: the chain of its issuer. */
export function chainOf({ certificateChainPem }: PlacedCertificate): string {
  const end = certificateChainPem.indexOf(END);
  return end === -1 ? '' : certificateChainPem.slice(end + END.length).trimStart();
}

const END = '-----END CERTIFICATE-----';

/** @returns nothing when what is there is no certificate with its key. */
export function leafOf(placed: PlacedCertificate | undefined): X509Certificate | undefined {
  if (placed === undefined) return undefined;
  try {
    const leaf = new X509Certificate(placed.certificateChainPem);
    return leaf.checkPrivateKey(createPrivateKey(placed.privateKeyPem)) ? leaf : undefined;
  } catch {
    // Whatever is there, it is no use; nothing of it is quoted.
    return undefined;
  }
}
