// One revision out of a bundle and local policies, or everything that speaks against it: what each document
// says was checked when it was parsed, here is checked what they are together.
import type { ClusterFacts, LocalPolicy, PolicyBundle } from '../../../domain/policy/documents.ts';
import { PolicySet, type PolicySetParts } from '../../../domain/policy/policy-set.ts';
import { formatPosition, type Problem } from '../../../domain/text/position.ts';
import { CLUSTER_LAYER, ownerOf } from './owner.ts';
import type { ParsedDocument } from './parse-documents.ts';

/** Of the cluster layer, which may have some for each namespace; each request hears only its own. */
export const MAX_POLICIES = 10_000;
/** In the folder of one namespace, all of which each of its requests hears. */
export const MAX_POLICIES_OF_NAMESPACE = 500;

/** What of a parsed document is needed here. */
export interface LocalDocument extends Pick<ParsedDocument, 'position' | 'document' | 'digest' | 'locate'> {
  /** Path below the directory of local policies, with `/` between folders; absent when it comes from none. */
  readonly file?: string;
}

export interface RevisionParts {
  readonly bundle: PolicyBundle;
  /** Hex SHA-256 of its canonical bytes. */
  readonly bundleDigest: string;
  readonly documents: readonly LocalDocument[];
  readonly cluster: ClusterFacts;
}

interface PlacedPolicy {
  readonly written: LocalDocument;
  readonly policy: LocalPolicy;
}

/** @returns the revision; whatever the order of documents, the same one. Or all problems, each with its place. */
export function assemble(parts: RevisionParts): PolicySet | { readonly problems: readonly Problem[] } {
  const { bundle, bundleDigest, documents, cluster } = parts;
  const problems = localProblems(documents);
  if (problems.length > 0) return { problems };
  return PolicySet.of({ bundle, bundleDigest, local: localPoliciesOf(documents), cluster });
}

/** What is wrong with documents together, be they of one owner or of all. */
export function localProblems(documents: readonly LocalDocument[]): readonly Problem[] {
  const placed = placedPolicies(documents);
  return [
    ...documents.flatMap(bundleAmongLocals),
    ...placed.flatMap(foreignNamespace),
    ...repeated(placed),
    ...Map.groupBy(documents, ({ file }) => ownerOf(file))
      .entries()
      .flatMap(tooMany),
  ];
}

/** Of documents without problems. */
export function localPoliciesOf(documents: readonly LocalDocument[]): PolicySetParts['local'] {
  return placedPolicies(documents).map(({ policy, written: { digest } }) => ({ policy, digest }));
}

function placedPolicies(documents: readonly LocalDocument[]): readonly PlacedPolicy[] {
  return documents.flatMap((written): readonly PlacedPolicy[] => {
    const { document } = written;
    return document.kind === 'PolicyBundle' ? [] : [{ written, policy: document }];
  });
}

function bundleAmongLocals(written: LocalDocument): readonly Problem[] {
  if (written.document.kind !== 'PolicyBundle') return [];
  return [
    { position: written.locate(['kind']), path: 'kind', problem: 'is a PolicyBundle, which no local policy can be' },
  ];
}

/** Who may write in a namespace's folder must not write policies of another namespace. */
function foreignNamespace({ written, policy }: PlacedPolicy): readonly Problem[] {
  const folder = ownerOf(written.file);
  if (folder === CLUSTER_LAYER) return [];
  if (policy.kind === 'ClusterIssuancePolicy') {
    const problem = `is a ClusterIssuancePolicy, but a file below ${folder}/ belongs to the namespace ${folder} only`;
    return [{ position: written.locate(['kind']), path: 'kind', problem }];
  }
  if (policy.namespace === folder) return [];
  const problem = `is ${policy.namespace}, but a file below ${folder}/ belongs to the namespace ${folder} only`;
  return [{ position: written.locate(['metadata', 'namespace']), path: 'metadata.namespace', problem }];
}

function repeated(placed: readonly PlacedPolicy[]): readonly Problem[] {
  const first = new Map<string, LocalDocument>();
  return placed.flatMap(({ written, policy }): readonly Problem[] => {
    const name = policy.kind === 'IssuancePolicy' ? `${policy.namespace}/${policy.name}` : policy.name;
    const known = first.get(`${policy.kind} ${name}`);
    if (known === undefined) {
      first.set(`${policy.kind} ${name}`, written);
      return [];
    }
    const problem = `repeats the ${policy.kind} ${name} of ${formatPosition(known.position)}`;
    return [{ position: written.locate(['metadata', 'name']), path: 'metadata.name', problem }];
  });
}

function tooMany([owner, documents]: readonly [string, readonly LocalDocument[]]): readonly Problem[] {
  const most = owner === CLUSTER_LAYER ? MAX_POLICIES : MAX_POLICIES_OF_NAMESPACE;
  const beyond = documents[most];
  if (beyond === undefined) return [];
  return [{ position: beyond.position, path: '', problem: `is beyond ${most.toLocaleString('en')} policies` }];
}
