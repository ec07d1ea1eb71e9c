// Golden vectors: what test/vectors/policy asks of policies, and every byte of what they decide. With
// UPDATE_VECTORS=1 the decisions are written down anew; read the difference before you keep it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { canonicalDecision } from '../../../../src/review/explain/decision-data.ts';
import { runPolicyTest } from '../../../../src/review/policy-test/run-policy-test.ts';
import { readTextsBeside } from '../../../../src/cli/inputs/read-texts.ts';
import { readPolicyTests } from '../../../../src/review/policy-test/read-policy-tests.ts';
import { canonicalJson } from '../../../../src/domain/text/canonical-json.ts';
import { POLICY_REASONS, type PolicyDecision } from '../../../../src/domain/policy/policy-decision.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const FOLDER = 'test/vectors/policy';
const UPDATE = process.env['UPDATE_VECTORS'] === '1';
/** Reasons for which nobody can be judged. */
const UNAVAILABLE = ['CAP-S01', 'CAP-S10', 'CAP-S11'];

const names = readdirSync(path.join(ROOT, FOLDER))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => path.basename(name, '.yaml'));
const fileOf = (name: string): string => path.join(ROOT, FOLDER, `${name}.yaml`);
const goldenOf = (name: string): string => path.join(ROOT, FOLDER, `${name}.decisions.json`);

interface Decided {
  readonly title: string;
  readonly mismatches: readonly unknown[];
  readonly decision: PolicyDecision;
}

async function decide(name: string, text = readFileSync(fileOf(name), 'utf8')): Promise<readonly Decided[]> {
  const { tests, problems } = await readPolicyTests([{ place: fileOf(name), text }], readTextsBeside);
  assert.deepEqual(problems, []);
  return tests.flatMap((test) =>
    runPolicyTest(test).map((result) => ({ ...result, title: `${test.name}: ${result.name}` })),
  );
}

/** One case a line, so that a difference names its case. */
function golden(lines: readonly (readonly [title: string, decision: string])[]): string {
  const entries = lines.map(([title, decision]) => `{"case":${canonicalJson(title)},"decision":${decision}}`);
  return `[\n${entries.join(',\n')}\n]\n`;
}

function linesOf(decided: readonly Decided[]): readonly (readonly [string, string])[] {
  return decided.map(({ title, decision }) => [title, canonicalDecision(decision)]);
}

const withoutRevision = (text: string): string => text.replaceAll(/"revision":"\w+"/g, '');

describe('A policy decision', () => {
  for (const name of names) {
    describe(`of ${FOLDER}/${name}.yaml`, () => {
      it('is what each case expects, and the same to the byte as ever', async () => {
        const decided = await decide(name);
        for (const { title, mismatches } of decided) assert.deepEqual(mismatches, [], title);
        const text = golden(linesOf(decided));
        if (UPDATE) writeFileSync(goldenOf(name), text);
        else assert.equal(text, readFileSync(goldenOf(name), 'utf8'));
      });

      it('gives the reasons that the name of its case begins with, and no other', async () => {
        for (const { title, decision } of await decide(name)) {
          const told = decision.unavailable?.reason ?? decision.failures.map(({ reason }) => reason);
          const named = /: ((?:[PS]\d\d )*)/.exec(title)?.[1] ?? '';
          const reasons = [...new Set([told].flat())].map((reason) => `${reason.slice('CAP-'.length)} `);
          assert.equal(named, reasons.join(''), title);
        }
      });

      it('does not depend on the order of policies, objects and keys in files', async () => {
        const text = reordered(name, { lists: ['policies', 'snapshot'] });
        assert.equal(golden(linesOf(await decide(name, text))), readFileSync(goldenOf(name), 'utf8'));
      });

      it('does not depend on the order of rules, classes, conditions and names, which only makes another revision', async () => {
        const lists = ['rules', 'classes', 'conditions', 'names', 'keys', 'usages', 'serviceAccounts', 'audit'];
        const decided = golden(linesOf(await decide(name, reordered(name, { lists }))));
        assert.equal(withoutRevision(decided), withoutRevision(readFileSync(goldenOf(name), 'utf8')));
      });
    });
  }

  it('is shown for every reason that policy has', async () => {
    const decisions = (await Promise.all(names.map(async (name) => decide(name)))).flat();
    const told = decisions.flatMap(({ decision: { failures, unavailable } }) => [
      ...failures.map(({ reason }) => reason),
      ...(unavailable === undefined ? [] : [unavailable.reason]),
    ]);
    assert.deepEqual([...new Set<string>(told)].sort(), [...POLICY_REASONS, ...UNAVAILABLE].sort());
  });

  it('is the same in another process, time zone and language', async () => {
    const argv = ['src/main.ts', 'policy', 'test', FOLDER, '--output', 'json'];
    const env = { PATH: process.env['PATH'], TZ: 'Pacific/Apia', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' };
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: ROOT, env, maxBuffer: 2 ** 26 });
    const { tests } = JSON.parse(stdout) as { tests: readonly TestJson[] };
    for (const name of names) {
      const own = tests.filter(({ place }) => path.resolve(ROOT, place) === fileOf(name));
      const lines = own.flatMap((test) =>
        test.cases.map((one) => [`${test.name}: ${one.name}`, canonicalJson(one.decision)] as const),
      );
      assert.equal(golden(lines), readFileSync(goldenOf(name), 'utf8'));
    }
  });
});

interface TestJson {
  readonly name: string;
  readonly place: string;
  readonly cases: readonly { readonly name: string; readonly decision: unknown }[];
}

/** The same documents with the members of all mappings, and the named lists, in another order. */
function reordered(name: string, { lists }: { readonly lists: readonly string[] }): string {
  const random = new SeededRandom(name.length);
  const shuffled = <T>(items: readonly T[]): readonly T[] =>
    items
      .map((item) => ({ item, at: random.fraction() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  const rebuilt = (value: unknown, field = ''): unknown => {
    if (Array.isArray(value)) return (lists.includes(field) ? shuffled(value) : value).map((item) => rebuilt(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(shuffled(Object.entries(value)).map(([key, inner]) => [key, rebuilt(inner, key)]));
  };
  const documents = [...parseAllDocuments(readFileSync(fileOf(name), 'utf8'))].map((one) => one.toJS() as unknown);
  return documents.map((document) => JSON.stringify(rebuilt(document))).join('\n---\n');
}
