// Policy tests out of texts: read, checked and put together, so that running them is nothing but asking
// the evaluator.
import { readYaml, type LocatedData } from '../../yaml/read-yaml.ts';
import { BESIDE_MANIFESTS } from '../../yaml/yaml-rules.ts';
import { fieldProblems } from '../../adapters/policy/schema/problems.ts';
import { wordsOf } from '../../adapters/policy/schema/words.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { PolicyTest, PolicyTestCase } from './policy-test.ts';
import { policiesOfTest } from './test-policies.ts';
import { problemAt, snapshotOfCase, type TextsBeside } from './test-inputs.ts';
import { requestOfCase } from './case-request.ts';
import { policyTestSchema, type WrittenTest } from './policy-test-schema.ts';
import type { SourceText } from '../sources/policy-texts.ts';

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
  const policies = await policiesOfTest(document, test, textsBeside);
  if ('problems' in policies) return { tests: [], problems: policies.problems };
  const { cases, problems } = await casesOf(document, test, policies, textsBeside);
  const ready = { name: test.metadata.name, position: document.locate([]), policies, cases };
  return { tests: problems.length > 0 ? [] : [ready], problems };
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
