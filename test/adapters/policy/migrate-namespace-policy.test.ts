import assert from 'node:assert/strict';
import fc from 'fast-check';
import { migrateNamespacePolicy, type Migration } from '../../../src/adapters/policy/migrate-namespace-policy.ts';
import { evaluate } from '../../../src/domain/policy/evaluation/evaluate.ts';
import { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { formatPosition } from '../../../src/domain/text/position.ts';
import { CLUSTER, HOUR_MS, request, snapshot } from '../../support/policy/policies.ts';
import { onlyDocument } from './source/documents.ts';

const CHOICES = { name: 'mesh', sequence: 3, contact: '#pki', trustDomain: 'cluster.local' };
const HEAD = 'apiVersion: capstan.dev/v1alpha1\nkind: NamespacePolicy\n';

interface OldRule {
  readonly namespaces: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly keyTypes?: readonly string[];
  readonly maxTtl?: string;
}

function migrated(text: string): Migration {
  return migrateNamespacePolicy(text, 'old.yaml', CHOICES);
}

function ofRules(rules: readonly OldRule[]): Migration {
  return migrated(`${HEAD}rules: ${JSON.stringify(rules)}`);
}

function problemsOf(text: string): string[] {
  const { bundle, problems } = migrated(text);
  assert.equal(bundle, undefined);
  return problems.map(({ position, path, problem }) => `${formatPosition(position)} ${path}: ${problem}`);
}

describe('Migrating a policy of the kind before bundles', () => {
  it('writes names that Kubernetes takes for something else in quotes', () => {
    const { bundle = '' } = ofRules([{ namespaces: ['on', 'shop'], serviceAccounts: ['y', '0400'] }]);
    assert.match(bundle, /- "on"$/m);
    assert.equal(onlyDocument(bundle).document.kind, 'PolicyBundle');
  });

  it('makes one central rule of each, with everything spelled out that the old file left to the server', () => {
    const { bundle = '', overlaps } = ofRules([{ namespaces: ['shop', 'team-*'], keyTypes: ['rsa'], maxTtl: '90m' }]);
    assert.deepEqual(overlaps, []);
    assert.deepEqual(onlyDocument(bundle).data, {
      apiVersion: 'capstan.dev/v1alpha1',
      kind: 'PolicyBundle',
      metadata: { name: 'mesh', sequence: 3 },
      owner: { team: 'security', contact: '#pki' },
      rules: [
        {
          id: 'rule-1',
          match: { namespaces: { names: ['shop', 'team-*'] }, serviceAccounts: ['*'] },
          bounds: {
            trustDomains: ['cluster.local'],
            spiffeId: 'spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}',
            dnsNames: 'none',
            ttl: { max: '90m' },
            keys: ['rsa'],
            usages: ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'],
          },
        },
      ],
    });
  });

  it('says at the top of the bundle what it assumed, and for which rules', () => {
    const { bundle = '' } = ofRules([{ namespaces: ['a'], maxTtl: '1h' }, { namespaces: ['b'] }]);
    assert.match(bundle, /^# Made from old\.yaml by capstan policy migrate\./);
    assert.match(bundle, /^# Without a maxTtl of their own, these got 24h: rule-2\.$/m);
  });

  it('cannot be made to write anything but comments at the top', () => {
    const { bundle = '' } = migrateNamespacePolicy(`${HEAD}rules: []`, 'a\nrules: [evil]', CHOICES);
    assert.deepEqual((onlyDocument(bundle).data as { rules: unknown }).rules, []);
  });

  it('tells where two rules give the same workload different things, because a bundle gives what both allow', () => {
    const { overlaps } = ofRules([
      { namespaces: ['shop', 'team-*'], keyTypes: ['rsa'] },
      { namespaces: ['team-a'], serviceAccounts: ['web', 'api-*'] },
      { namespaces: ['team-*'], serviceAccounts: ['api-1'], maxTtl: '1h' },
      { namespaces: ['pay'], maxTtl: '1h' },
    ]);
    assert.deepEqual(
      overlaps.map(({ rules, namespaces, serviceAccounts }) => [
        ...rules.map(({ id }) => id),
        ...namespaces,
        ...serviceAccounts,
      ]),
      [
        ['rule-1', 'rule-2', 'team-*', 'team-a', '*', 'web'],
        ['rule-1', 'rule-3', 'team-*', 'team-*', '*', 'api-1'],
        ['rule-2', 'rule-3', 'team-a', 'team-*', 'api-*', 'api-1'],
      ],
    );
    assert.deepEqual(overlaps[0]?.rules[1].position, { place: 'old.yaml', line: 3, column: 61 });
  });

  it('lets rules overlap that give the same: both is then either', () => {
    const { overlaps } = ofRules([
      { namespaces: ['*'], maxTtl: '60m' },
      { namespaces: ['shop'], maxTtl: '1h' },
    ]);
    assert.deepEqual(overlaps, []);
  });

  it('decides as the old file did, where no rules overlap', () => {
    let decided = { approved: 0, refused: 0 };
    fc.assert(
      fc.property(anyRules, fc.array(anyQuestion, { minLength: 1, maxLength: 5 }), (rules, questions) => {
        const { bundle = '', overlaps } = ofRules(rules);
        const { document, digest } = onlyDocument(bundle);
        fc.pre(overlaps.length === 0 && document.kind === 'PolicyBundle');
        const policies = PolicySet.of({ bundle: document, bundleDigest: digest, local: [], cluster: CLUSTER });
        for (const question of questions) {
          const { outcome, grant } = evaluate(policies, request(question), snapshot());
          const maxTtlMs = longestOf(rules, question);
          assert.ok(outcome !== 'unavailable');
          assert.equal(outcome, maxTtlMs === undefined ? 'refused' : 'approved');
          if (maxTtlMs !== undefined) assert.equal(grant.ttl.maxMs, maxTtlMs);
          decided = { ...decided, [outcome]: decided[outcome] + 1 };
        }
      }),
      { numRuns: 150 },
    );
    assert.ok(decided.approved > 20 && decided.refused > 20, JSON.stringify(decided));
  });

  const refused: readonly [what: string, text: string, problem: RegExp][] = [
    ['is empty', '', /^old\.yaml:1:1 : holds no policy document$/],
    [
      'is a bundle already',
      HEAD.replace('NamespacePolicy', 'PolicyBundle'),
      /^old\.yaml:2:1 kind: must be NamespacePolicy$/,
    ],
    ['has no rules', HEAD, /rules: is required$/],
    ['has two documents', `${HEAD}rules: []\n---\n${HEAD}rules: []`, /^old\.yaml:5:1 : is a second document$/],
    [
      'has a field that it never had',
      `${HEAD}rules: [{ namespace: [a] }]`,
      /namespace: is no field here; did you mean namespaces\?$/,
    ],
    [
      'has a pattern that it never had',
      `${HEAD}rules: [{ namespaces: ["*a"] }]`,
      /^old\.yaml:3:24 rules\.0\.namespaces\.0: must be a name, or a prefix/,
    ],
    ['has a lifetime of zero', `${HEAD}rules: [{ namespaces: [a], maxTtl: 0s }]`, /maxTtl: must be longer than zero$/],
    ['has an alias', `${HEAD}rules: [&a { namespaces: [a] }, *a]`, /has a YAML anchor/],
    [
      'has too many names',
      `${HEAD}rules:\n${`- namespaces: [${'a, '.repeat(5_000)}]\n`.repeat(2)}`,
      /rules: must have at most 5000 names together$/,
    ],
  ];
  for (const [what, text, problem] of refused) {
    it(`is refused when the file ${what}`, () =>
      assert.ok(
        problemsOf(text).some((line) => problem.test(line)),
        problemsOf(text).join('\n'),
      ));
  }
});

const names = (...patterns: readonly string[]): fc.Arbitrary<string[]> =>
  fc.subarray([...patterns], { minLength: 1, maxLength: 2 });

const anyRules: fc.Arbitrary<readonly OldRule[]> = fc.array(
  fc
    .record({
      namespaces: names('shop', 'pay', 'team-*', 'team-a', 's*'),
      serviceAccounts: fc.option(names('web', 'api', 'w*', 'default'), { nil: undefined, freq: 3 }),
      keyTypes: fc.option(fc.subarray(['ec-p256', 'ec-p384', 'rsa'], { minLength: 1 }), { nil: undefined }),
      maxTtl: fc.option(fc.constantFrom('1h', '30m', '2d'), { nil: undefined }),
    })
    .map((rule) => JSON.parse(JSON.stringify(rule)) as OldRule),
  { maxLength: 3 },
);

interface Question {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly key: { readonly type: string; readonly bits: number };
}

const anyQuestion: fc.Arbitrary<Question> = fc.record({
  namespace: fc.constantFrom('shop', 'pay', 'team-a', 'team-b', 'other'),
  serviceAccount: fc.constantFrom('web', 'api', 'default', 'w2'),
  key: fc.constantFrom({ type: 'ec-p256', bits: 0 }, { type: 'ec-p384', bits: 0 }, { type: 'rsa', bits: 2048 }),
});

/** What the old evaluator said: the longest lifetime of all rules that allow it, nothing when none does. */
function longestOf(rules: readonly OldRule[], { namespace, serviceAccount, key }: Question): number | undefined {
  const fits = (patterns: readonly string[], name: string): boolean =>
    patterns.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : each === name));
  const lifetimes: Readonly<Record<string, number>> = { '30m': HOUR_MS / 2, '1h': HOUR_MS, '2d': 48 * HOUR_MS };
  const matching = rules.filter(
    (rule) =>
      fits(rule.namespaces, namespace) &&
      fits(rule.serviceAccounts ?? ['*'], serviceAccount) &&
      (rule.keyTypes ?? ['ec-p256', 'ec-p384', 'rsa']).includes(key.type),
  );
  if (matching.length === 0) return undefined;
  return Math.max(...matching.map(({ maxTtl }) => lifetimes[maxTtl ?? ''] ?? 24 * HOUR_MS));
}
