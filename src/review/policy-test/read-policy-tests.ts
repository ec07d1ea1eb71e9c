// Policy tests out of files: read, checked and put together, so that running them is nothing but asking the
// evaluator.
import { readYaml, type YamlDocument } from '../../yaml/read-yaml.ts';
import { assemble } from '../../adapters/policy/source/assemble-policies.ts';
import { fieldProblems } from '../../adapters/policy/schema/problems.ts';
import { wordsOf } from '../../adapters/policy/schema/words.ts';
import { matchesAny } from '../../domain/policy/name-patterns.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { Position, Problem } from '../../domain/text/position.ts';
import { policiesOf, snapshotOfCase } from './test-inputs.ts';
import { requestOfCase } from './case-request.ts';
import { policyTestSchema, type Expectation, type WrittenTest } from './policy-test-schema.ts';
import { readTexts } from '../../cli/inputs/read-texts.ts';

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
  readonly fixtures: readonly PolicyTest[];
  readonly problems: readonly Problem[];
}

/**
 * @param paths files and directories; documents of other kinds are passed over, as tests use them.
 * @throws CommandError 2 naming a path that cannot be read.
 */
export async function readPolicyTests(paths: readonly string[]): Promise<PolicyTests> {
  const read: PolicyTests[] = [];
  for (const [place, text] of await readTexts(paths)) read.push(await readPolicyTestText(text, place));
  return joined(read);
}

/** The tests of one file. @param place its path: what the tests name is beside it. */
export async function readPolicyTestText(text: string, place: string): Promise<PolicyTests> {
  const { documents, problems } = readYaml(text, place, { plain: true });
  const read: PolicyTests[] = [{ fixtures: [], problems }];
  for (const document of documents.filter(isTest)) read.push(await readPolicyTest(document));
  return joined(read);
}

function joined(read: readonly PolicyTests[]): PolicyTests {
  return {
    fixtures: read.flatMap(({ fixtures }) => fixtures),
    problems: read.flatMap(({ problems }) => problems),
  };
}

function isTest({ data }: YamlDocument): boolean {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'PolicyTest';
}

async function readPolicyTest(document: YamlDocument): Promise<PolicyTests> {
  const parsed = policyTestSchema.safeParse(document.data, { error: wordsOf });
  if (!parsed.success) {
    const found = fieldProblems(parsed.error.issues);
    return { fixtures: [], problems: found.map(({ path, problem }) => problemAt(document, path, problem)) };
  }
  const test = parsed.data;
  const policies = await assembled(document, test);
  if ('problems' in policies) return { fixtures: [], problems: policies.problems };
  const { cases, problems } = await casesOf(document, test, policies);
  const fixture = { name: test.metadata.name, position: document.locate([]), policies, cases };
  return { fixtures: problems.length > 0 ? [] : [fixture], problems };
}

type Path = readonly (string | number)[];

function problemAt(document: YamlDocument, path: Path, problem: string): Problem {
  return { position: document.locate(path), path: path.join('.'), problem };
}

async function assembled(
  document: YamlDocument,
  test: WrittenTest,
): Promise<PolicySet | { readonly problems: readonly Problem[] }> {
  const central = await policiesOf({ document, path: ['bundle'], written: test.bundle });
  const local = await Promise.all(
    test.policies.map((written, index) => policiesOf({ document, path: ['policies', index], written })),
  );
  const problems = [...central.problems, ...local.flatMap((one) => one.problems)];
  if (problems.length > 0) return { problems };
  const [bundle, another] = central.documents;
  if (bundle?.document.kind !== 'PolicyBundle' || another !== undefined) {
    return { problems: [problemAt(document, ['bundle'], 'is not one PolicyBundle and nothing else')] };
  }
  const { id } = test.cluster;
  if (!matchesAny(bundle.document.audience, id)) {
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
  document: YamlDocument,
  test: WrittenTest,
  { bundle }: PolicySet,
): Promise<{ readonly cases: readonly PolicyTestCase[]; readonly problems: readonly Problem[] }> {
  const cases: PolicyTestCase[] = [];
  const problems: Problem[] = [];
  const common = await snapshotOfCase(document, ['snapshot'], test.snapshot);
  if ('problems' in common) return { cases, problems: common.problems };
  for (const [index, one] of test.cases.entries()) {
    const at = ['cases', index];
    const request = requestOfCase({ ...test.request, ...one.request }, bundle);
    const own = one.snapshot === undefined ? common : await snapshotOfCase(document, [...at, 'snapshot'], one.snapshot);
    if ('problem' in request) problems.push(problemAt(document, [...at, 'request'], request.problem));
    if ('problems' in own) problems.push(...own.problems);
    if ('problem' in request || 'problems' in own) continue;
    cases.push({ name: one.name, position: document.locate(at), request, snapshot: own, expect: one.expect });
  }
  return { cases, problems };
}
