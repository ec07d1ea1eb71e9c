// Policies that are in force against those that are kept elsewhere, by name and digest: equal digests are
// equal documents, in whatever order and layout they are written.

/** A policy document by name: enough to tell whether two places hold the same. */
export interface PolicyDigest {
  /** As in PolicyDocument. */
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** Hex SHA-256 of its canonical bytes. */
  readonly digest: string;
}

export interface DigestDifference<Kept extends PolicyDigest> {
  /** `PolicyBundle corp-mesh`, `IssuancePolicy shop/public-api`. */
  readonly title: string;
  /** Absent: it is kept, but not in force. */
  readonly inForce?: PolicyDigest;
  /** Absent: it is in force, but not kept. Of several bundles of one name, the last. */
  readonly kept?: Kept;
}

/**
 * A bundle that is kept, but of which none of the same name is in force, is no difference: one place may keep the
 * bundles of many clusters.
 * @returns what is not the same on both sides, by title.
 */
export function digestDifferences<Kept extends PolicyDigest>(
  inForce: readonly PolicyDigest[],
  kept: readonly Kept[],
): readonly DigestDifference<Kept>[] {
  const keptByTitle = Map.groupBy(kept, policyTitle);
  const inForceByTitle = new Map(inForce.map((each) => [policyTitle(each), each]));
  const titles = [...new Set([...inForceByTitle.keys(), ...keptByTitle.keys()])].sort();
  return titles.flatMap((title) => {
    const known = inForceByTitle.get(title);
    const same = keptByTitle.get(title) ?? [];
    if (known !== undefined && same.some(({ digest }) => digest === known.digest)) return [];
    const last = same.at(-1);
    if (known === undefined && last?.kind === 'PolicyBundle') return [];
    return [{ title, ...(known !== undefined && { inForce: known }), ...(last !== undefined && { kept: last }) }];
  });
}

export function policyTitle({ kind, namespace, name }: Omit<PolicyDigest, 'digest'>): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
