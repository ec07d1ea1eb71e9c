import assert from 'node:assert/strict';
import { parsePolicy } from '../../../src/adapters/policy/policy-file.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';

const HEAD = 'apiVersion: capstan.dev/v1alpha1\nkind: NamespacePolicy\n';

function problemsOf(text: string): string[] {
  try {
    parsePolicy(text, 'policy.yaml');
  } catch (error) {
    assert.ok(error instanceof AuthorityError && error.reason === 'CAP-X03');
    const all = error.violations.map(({ path, actual }) => `${path} ${actual}`);
    assert.ok(error.message.includes(all[0]!.slice(0, 150)), error.message);
    return all;
  }
  return [];
}

describe('A policy file', () => {
  it('says who may have what, and leaves out what is not restricted', () => {
    const text = `${HEAD}rules:
  - namespaces: [default, "team-*"]
  - namespaces: ["*"]
    serviceAccounts: [web]
    keyTypes: [ec-p256]
    maxTtl: 24h
`;
    assert.deepEqual(parsePolicy(text, 'policy.yaml').rules, [
      {
        namespaces: ['default', 'team-*'],
        serviceAccounts: ['*'],
        keyTypes: ['ec-p256', 'ec-p384', 'rsa'],
        maxTtlMs: Infinity,
      },
      { namespaces: ['*'], serviceAccounts: ['web'], keyTypes: ['ec-p256'], maxTtlMs: 86_400_000 },
    ]);
  });

  it('may allow nobody', () => assert.deepEqual(parsePolicy(`${HEAD}rules: []`, 'policy.yaml').rules, []));

  it('has a revision that changes with its text', () => {
    const one = parsePolicy(`${HEAD}rules: []`, 'policy.yaml').revision;
    assert.match(one, /^[0-9a-f]{16}$/);
    assert.notEqual(parsePolicy(`${HEAD}rules: [] # edited`, 'policy.yaml').revision, one);
    assert.equal(parsePolicy(`${HEAD}rules: []`, 'elsewhere.yaml').revision, one);
  });

  it('is told all its problems at once, each with line and column', () => {
    const text = `${HEAD}rules:
  - namespaces: [default, "te*am"]
    serviceAccount: [web]
  - namespaces: []
    keyTypes: [dsa]
    maxTtl: 1.5h
colour: red
`;
    assert.deepEqual(
      problemsOf(text).map((problem) => problem.replace(/: (Too small|Invalid option).*/, ': $1')),
      [
        'policy.yaml:4:27 rules.0.namespaces.1: must be a name, or a prefix followed by one *',
        'policy.yaml:5:5 rules.0.serviceAccount: is not a key of a policy',
        'policy.yaml:6:5 rules.1.namespaces: Too small',
        'policy.yaml:7:16 rules.1.keyTypes.0: Invalid option',
        'policy.yaml:8:5 rules.1.maxTtl: is not a whole number followed by s, m, h or d, such as 30s, 10m, 1h or 7d',
        'policy.yaml:9:1 colour: is not a key of a policy',
      ],
    );
  });

  const broken: readonly [what: string, text: string, problem: RegExp][] = [
    ['empty', '', /^policy\.yaml:1:1 the document: /],
    ['not YAML', `${HEAD}rules: [`, /^policy\.yaml:3:9 /],
    ['a key twice', `${HEAD}rules: []\nrules: []`, /^policy\.yaml:4:1 Map keys must be unique/],
    ['two documents', `${HEAD}rules: []\n---\n${HEAD}rules: []`, /multiple documents/],
    ['an alias', `${HEAD}rules:\n  - &a {namespaces: [a]}\n  - *a\n`, /uses YAML aliases/],
    ['another kind', `${HEAD.replace('Namespace', 'Other')}rules: []`, /^policy\.yaml:2:1 kind: /],
    ['another version', `${HEAD.replace('v1alpha1', 'v9')}rules: []`, /^policy\.yaml:1:1 apiVersion: /],
    ['no rules key', HEAD, /rules: /],
    ['a lifetime of zero', `${HEAD}rules: [{namespaces: [a], maxTtl: 0s}]`, /must be longer than zero/],
    ['a bare number as lifetime', `${HEAD}rules: [{namespaces: [a], maxTtl: 60}]`, /maxTtl: /],
    ['a pattern of two stars', `${HEAD}rules: [{namespaces: ["**"]}]`, /must be a name/],
    ['an empty name', `${HEAD}rules: [{namespaces: [""]}]`, /must be a name/],
    ['upper case', `${HEAD}rules: [{namespaces: [Default]}]`, /must be a name/],
    ['a tag of its own', `${HEAD}rules: !!set {a}`, /rules: /],
    ['1,001 rules', `${HEAD}rules:\n${'  - namespaces: [a]\n'.repeat(1001)}`, /rules: Too big/],
  ];
  for (const [what, text, problem] of broken) {
    it(`is refused with ${what}`, () => assert.match(problemsOf(text)[0] ?? 'accepted', problem));
  }

  it('cannot be made to grow by nested aliases', () => {
    const levels = Array.from({ length: 20 }, (_, n) => `l${n}: &l${n} [${n === 0 ? 'x' : `*l${n - 1}, *l${n - 1}`}]`);
    assert.match(problemsOf(`${HEAD}${levels.join('\n')}\nrules: []`)[0] ?? 'accepted', /uses YAML aliases/);
  });
});
