// Policy tests out of texts: read, checked and put together, so that running them is nothing but asking the
// evaluator. It imports much because a test is put together from every kind of document.
import type { FieldPath } from '../../domain/text/field-path.ts';
import { readYaml, type LocatedData } from '../../yaml/read-yaml.ts';
import { BESIDE_MANIFESTS } from '../../yaml/yaml-rules.ts';
import { assemble } from '../../adapters/policy/source/assemble-policies.ts';
import { NOT_ONE_BUNDLE, onlyPolicyBundle } from '../../adapters/policy/source/policy-bundle-document.ts';
import { fieldProblems } from '../../adapters/policy/schema/problems.ts';
import { wordsOf } from '../../adapters/policy/schema/words.ts';
import { isMeantFor } from '../../domain/policy/bundle/audience.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { Position, Problem } from '../../domain/text/position.ts';
import { policiesOf, snapshotOfCase, type TextsBeside } from './test-inputs.ts';
import { requestOfCase } from './case-request.ts';
import { policyTestSchema, type Expectation, type WrittenTest } from './policy-test-schema.ts';
import type { SourceText } from '../sources/policy-texts.ts';

export interface PolicyTestCase {
  readonly name: string;
  readonly position: Position;
  readonly request: PolicyRequest;
  readonly snapshot: ClusterSnapshot;
  readonly expect: Expectation;
}

export interface PolicyTest {
  readonly name: string;
  readonly position: Position;
  readonly policies: PolicySet;
  readonly cases: readonly PolicyTestCase[];
}

export interface PolicyTests {
  readonly tests: readonly PolicyTest[];
  readonly problems: readonly Problem[];
}

/**
 * @param texts with tests; documents of other kinds are passed over, as tests use them.
 * @param textsBeside how what a test names is found.
 */
export async function readPolicyTests(texts: readonly SourceText[], textsBeside: TextsBeside): Promise<PolicyTests> {
  const read: PolicyTests[] = [];
  for (const { text, place } of texts) {
    const { documents, problems } = readYaml(text, place, BESIDE_MANIFESTS);
    read.push({ tests: [], problems });
    for (const document of documents.filter(isTest)) read.push(await readPolicyTest(document, textsBeside));
  }
  return joined(read);
}

function joined(read: readonly PolicyTests[]): PolicyTests {
  return {
    tests: read.flatMap(({ tests }) => tests),
    problems: read.flatMap(({ problems }) => problems),
  };
}

function isTest({ data }: LocatedData): boolean {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'PolicyTest';
}

async function readPolicyTest(document: LocatedData, textsBeside: TextsBeside): Promise<PolicyTests> {
  const parsed = policyTestSchema.safeParse(document.data, { error: wordsOf });
  if (!parsed.success) {
    const found = fieldProblems(parsed.error.issues);
    return { tests: [], problems: found.map(({ path, problem }) => problemAt(document, path, problem)) };
  }
  const test = parsed.data;
  const policies = await assembled(document, test, textsBeside);
  if ('problems' in policies) return { tests: [], problems: policies.problems };
  const { cases, problems } = await casesOf(document, test, policies, textsBeside);
  const ready = { name: test.metadata.name, position: document.locate([]), policies, cases };
  return { tests: problems.length > 0 ? [] : [ready], problems };
}

function problemAt(document: LocatedData, path: FieldPath, problem: string): Problem {
  return { position: document.locate(path), path: path.join('.'), problem };
}

async function assembled(
  document: LocatedData,
  test: WrittenTest,
  textsBeside: TextsBeside,
): Promise<PolicySet | { readonly problems: readonly Problem[] }> {
  const central = await policiesOf({ document, path: ['bundle'], written: test.bundle }, textsBeside);
  const local = await Promise.all(
    test.policies.map((written, index) => policiesOf({ document, path: ['policies', index], written }, textsBeside)),
  );
  const problems = [...central.problems, ...local.flatMap((one) => one.problems)];
  if (problems.length > 0) return { problems };
  const bundle = onlyPolicyBundle({ documents: central.documents, problems: [] }, '');
  if ('problems' in bundle) return { problems: [problemAt(document, ['bundle'], NOT_ONE_BUNDLE)] };
  const { id } = test.cluster;
  if (!isMeantFor(bundle.document, id)) {
    const audience = bundle.document.audience.join(' ');
    return { problems: [problemAt(document, ['cluster', 'id'], `is not in the bundle's audience: ${audience}`)] };
  }
  return assemble({
    bundle: bundle.document,
    bundleDigest: bundle.digest,
    documents: local.flatMap(({ documents }) => documents),
    cluster: test.cluster,
  });
}

async function casesOf(
  document: LocatedData,
  test: WrittenTest,
  { bundle }: PolicySet,
  textsBeside: TextsBeside,
): Promise<{ readonly cases: readonly PolicyTestCase[]; readonly problems: readonly Problem[] }> {
  const cases: PolicyTestCase[] = [];
  const problems: Problem[] = [];
  const common = await snapshotOfCase(document, ['snapshot'], test.snapshot, textsBeside);
  if ('problems' in common) return { cases, problems: common.problems };
  for (const [index, one] of test.cases.entries()) {
    const at = ['cases', index];
    const request = requestOfCase({ ...test.request, ...one.request }, bundle);
    const own =
      one.snapshot === undefined
        ? common
        : await snapshotOfCase(document, [...at, 'snapshot'], one.snapshot, textsBeside);
    if ('problem' in request) problems.push(problemAt(document, [...at, 'request'], request.problem));
    if ('problems' in own) problems.push(...own.problems);
    if ('problem' in request || 'problems' in own) continue;
    cases.push({ name: one.name, position: document.locate(at), request, snapshot: own, expect: one.expect });
  }
  return { cases, problems };
}
