// One revision out of a bundle and local policies, or everything that speaks against it: what each document
// says was checked when it was parsed, here is checked what they are together.
import type { ClusterFacts, LocalPolicy, PolicyBundle } from '../../domain/policy/documents.ts';
import { PolicySet } from '../../domain/policy/policy-set.ts';
import { positionInWords, type Problem } from '../../domain/position.ts';
import type { ParsedDocument } from './parse-documents.ts';

/** Each namespace of a large mesh has some; each request hears only its own. */
export const MAX_POLICIES = 10_000;

/** Kubernetes's label of RFC 1123: what a namespace can be called. */
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

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
  const placed = documents.flatMap((written): readonly PlacedPolicy[] => {
    const { document } = written;
    return document.kind === 'PolicyBundle' ? [] : [{ written, policy: document }];
  });
  const problems = [
    ...documents.flatMap(bundleAmongLocals),
    ...placed.flatMap(foreignNamespace),
    ...repeated(placed),
    ...tooMany(documents),
  ];
  if (problems.length > 0) return { problems };
  return PolicySet.of({
    bundle,
    bundleDigest,
    local: placed.map(({ policy, written: { digest } }) => ({ policy, digest })),
    cluster,
  });
}

function bundleAmongLocals(written: LocalDocument): readonly Problem[] {
  if (written.document.kind !== 'PolicyBundle') return [];
  return [
    { position: written.locate(['kind']), path: 'kind', problem: 'is a PolicyBundle, which no local policy can be' },
  ];
}

/** Who may write in a namespace's folder must not speak for another namespace. */
function foreignNamespace({ written, policy }: PlacedPolicy): readonly Problem[] {
  const [folder = '', ...below] = written.file?.split('/') ?? [];
  if (below.length === 0 || !NAMESPACE.test(folder)) return [];
  if (policy.kind === 'ClusterIssuancePolicy') {
    const problem = `is a ClusterIssuancePolicy, but a file below ${folder}/ speaks for the namespace ${folder} only`;
    return [{ position: written.locate(['kind']), path: 'kind', problem }];
  }
  if (policy.namespace === folder) return [];
  const problem = `is ${policy.namespace}, but a file below ${folder}/ speaks for the namespace ${folder} only`;
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
    const problem = `repeats the ${policy.kind} ${name} of ${positionInWords(known.position)}`;
    return [{ position: written.locate(['metadata', 'name']), path: 'metadata.name', problem }];
  });
}

function tooMany(documents: readonly LocalDocument[]): readonly Problem[] {
  const beyond = documents[MAX_POLICIES];
  if (beyond === undefined) return [];
  const limit = MAX_POLICIES.toLocaleString('en');
  return [{ position: beyond.position, path: '', problem: `is beyond ${limit} policies` }];
}
