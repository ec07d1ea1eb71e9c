// What the certificates that were found are held against, and which of them hang on it.
import type { PathCertificate } from '../../domain/x509/path/certificate.ts';
import type { GatheredCertificate } from './gathered.ts';
import { lineageFrom, type Lineage } from './lineage.ts';
import { Namesakes } from './namesakes.ts';
import type { Signatures } from './signatures.ts';

/** CAs that are not the corporate ones and may be there. */
export type KnownAs = 'cluster' | 'known' | 'public';

export interface Trust {
  readonly corporate: readonly PathCertificate[];
  /** The cluster's own CAs, and what an operator named. What they signed is left out too. */
  readonly others: readonly { readonly certificate: PathCertificate; readonly as: 'cluster' | 'known' }[];
  /** Roots of the public web: trusting them is left out; what they signed is not. SHA-256, lower-case hex. */
  readonly publicRoots: ReadonlySet<string>;
}

export interface Lineages {
  readonly namesakes: Namesakes;
  readonly corporate: ReadonlyMap<string, Lineage>;
  readonly knownAs: ReadonlyMap<string, KnownAs>;
}

/** @throws the signal's reason. */
export async function lineagesOf(
  found: readonly GatheredCertificate[],
  { corporate, others, publicRoots }: Trust,
  signatures: Signatures,
): Promise<Lineages> {
  const given = [...corporate, ...others.map(({ certificate }) => certificate)];
  const unique = new Map(
    [...given, ...found.map(({ certificate }) => certificate)].map((one) => [one.sha256, one] as const),
  );
  const namesakes = new Namesakes(unique.values());
  const knownAs = new Map<string, KnownAs>();
  // First, so that a flood under other names cannot use up what the corporate CA's own need.
  const corporateLineage = await lineageFrom(corporate, namesakes, signatures);
  for (const { certificate } of found) {
    if (publicRoots.has(certificate.sha256)) knownAs.set(certificate.sha256, 'public');
  }
  for (const as of ['cluster', 'known'] as const) {
    const anchors = others.filter((other) => other.as === as).map(({ certificate }) => certificate);
    for (const [sha256, lineage] of await lineageFrom(anchors, namesakes, signatures)) {
      if (lineage !== 'unchecked') knownAs.set(sha256, as);
    }
  }
  return { namesakes, corporate: corporateLineage, knownAs };
}
