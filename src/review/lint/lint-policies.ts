// What is wrong with policies before anybody is judged by them.
import { assemble } from '../../adapters/policy/source/assemble-policies.ts';
import { isPolicyBundle, type PolicyBundleDocument } from '../../adapters/policy/source/policy-bundle-document.ts';
import type { ClusterFacts, PolicyBundle } from '../../domain/policy/documents.ts';
import { matchesCluster } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { Finding, ReviewedCase } from '../findings.ts';
import {
  parseBundle,
  parseTexts,
  type BundleTexts,
  type ReadDocument,
  type SourceText,
} from '../sources/policy-texts.ts';
import { lintFindings } from './lint-findings.ts';

export interface LintInput {
  readonly texts: readonly SourceText[];
  /** What local policies are held against; without it, the one bundle among the texts. */
  readonly bundle?: BundleTexts;
  /** With it, rules that are not for this cluster do not count. */
  readonly cluster?: ClusterFacts;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface LintResult {
  /** Every text that was read, and where else something was found. */
  readonly places: readonly string[];
  /** How many could be parsed. */
  readonly documents: number;
  readonly findings: readonly Finding[];
}

/** When no cluster is named. */
const ANY_CLUSTER: ClusterFacts = { id: 'default', labels: {} };

/** @returns nothing when there is no policy document in the texts at all. */
export function lintPolicies(input: LintInput): LintResult | undefined {
  const read = parseTexts(input.texts);
  if (read.documents.length + read.problems.length === 0) return undefined;
  const named = input.bundle === undefined ? { problems: [] } : parseBundle(input.bundle);
  const [only, another] = read.documents.filter(isPolicyBundle);
  const bundle = input.bundle === undefined && another === undefined ? only : named.bundle;
  const findings = lintFindings({
    documents: read.documents,
    problems: [...named.problems, ...read.problems, ...problemsTogether(read.documents, bundle, input)],
    ...(bundle !== undefined && { bundle: narrowed(bundle.document, input) }),
    nowMs: input.nowMs,
  });
  const places = [...new Set([...read.places, ...findings.flatMap(({ position }) => position?.place ?? [])])];
  return { places, documents: read.documents.length, findings };
}

/** @returns a case for each text. */
export function lintCases({ places, findings }: LintResult): readonly ReviewedCase[] {
  return places.map((place) => ({
    name: place,
    findings: findings.filter(({ position }) => position?.place === place),
  }));
}

/** What is wrong with policies only when they stand beside one another, by the server's own rules. */
function problemsTogether(
  documents: readonly ReadDocument[],
  bundle: PolicyBundleDocument | undefined,
  { bundle: named, cluster = ANY_CLUSTER }: LintInput,
): readonly Problem[] {
  if (bundle === undefined) return [];
  const locals = documents
    .filter((parsed) => !isPolicyBundle(parsed))
    .map(({ file, ...written }) => (named === undefined || file === undefined ? written : { ...written, file }));
  const set = assemble({ bundle: bundle.document, bundleDigest: bundle.digest, documents: locals, cluster });
  return 'problems' in set ? set.problems : [];
}

/** Without a word about the cluster, rules for all clusters count. */
function narrowed(bundle: PolicyBundle, { cluster }: LintInput): PolicyBundle {
  if (cluster === undefined) return bundle;
  return { ...bundle, rules: bundle.rules.filter((rule) => matchesCluster(rule, cluster)) };
}
