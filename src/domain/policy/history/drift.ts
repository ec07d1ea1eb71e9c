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
 * bundles of many clusters. Of several policies in force of one name each counts, for all of them apply.
 * @returns what is not the same on both sides, by title.
 */
export function digestDifferences<Kept extends PolicyDigest>(
  inForce: readonly PolicyDigest[],
  kept: readonly Kept[],
): readonly DigestDifference<Kept>[] {
  const keptByTitle = Map.groupBy(kept, policyTitle);
  const inForceByTitle = Map.groupBy(inForce, policyTitle);
  const titles = [...new Set([...inForceByTitle.keys(), ...keptByTitle.keys()])].sort();
  return titles.flatMap((title) => {
    const known = inForceByTitle.get(title) ?? [];
    const same = keptByTitle.get(title) ?? [];
    const last = same.at(-1);
    const kept = last === undefined ? {} : { kept: last };
    if (known.length === 0) return last?.kind === 'PolicyBundle' ? [] : [{ title, ...kept }];
    const others = known.filter((used) => !same.some(({ digest }) => digest === used.digest));
    return others.map((used) => ({ title, inForce: used, ...kept }));
  });
}

export function policyTitle({ kind, namespace, name }: Omit<PolicyDigest, 'digest'>): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
