// `capstan policy test` as an author of policies meets it.
import assert from 'node:assert/strict';
import { play } from '../../support/transcript.ts';
import { corpBundleText } from '../../../support/policy/policy-texts.ts';

const TEST = `apiVersion: capstan.dev/v1alpha1
kind: PolicyTest
metadata: { name: shop }
bundle: bundle.yaml
policies: [policies.yaml]
snapshot: [manifests.yaml]
cases:
  - name: web gets an identity
    request: { namespace: shop, serviceAccount: web }
    expect: { outcome: approved, ttlMax: 1h, objects: [Namespace shop] }
  - name: default gets none
    request: { namespace: shop, serviceAccount: default }
    expect: { outcome: refused, reason: CAP-P04, policy: shop/no-default, field: spec.deny.serviceAccounts }
`;

const FILES = {
  'bundle.yaml': corpBundleText({ match: '{ namespaces: { labels: { mesh: "true" } } }' }),
  'policies.yaml': `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: no-default, namespace: shop }
spec:
  deny: { serviceAccounts: [default] }
  contact: "#team-shop"
`,
  'manifests.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { mesh: "true" } }
`,
};

async function run(command: string, test: string, more: Readonly<Record<string, string>> = {}) {
  const [lines = []] = await play({
    scenes: [{ command, expected: [] }],
    files: { ...FILES, 'shop.test.yaml': test, ...more },
  });
  return lines;
}

const json = (lines: readonly string[]): unknown =>
  JSON.parse(
    lines
      .filter((line) => line.startsWith('|'))
      .map((line) => line.slice(2))
      .join('\n'),
  );

describe('capstan policy test', () => {
  it('says that every case is as expected', async () => {
    assert.deepEqual(await run('capstan policy test shop.test.yaml', TEST), [
      '| ✓ shop: 2 cases, all as expected',
      '| 2 cases, all as expected.',
    ]);
  });

  it('refuses the former names of fields and claims, each with the name of today', async () => {
    const request = `namespace: shop, serviceAccount: web, claims: { provenBy: token, evidence: x }, held: null`;
    const former = TEST.replace('namespace: shop, serviceAccount: web', request).replace(
      'outcome: approved,',
      'outcome: approved, excused: [],',
    );
    const lines = (await run('capstan policy test shop.test.yaml', former)).join('\n');
    assert.match(lines, /claims\.provenBy is called authenticationMethod now$/m);
    assert.match(lines, /claims\.evidence is called credentialId now$/m);
    assert.match(lines, /request\.held is called currentCertificate now$/m);
    assert.match(lines, /expect\.excused is called waived now$/m);
  });

  it('finds tests in a directory, and passes over what they use', async () => {
    assert.deepEqual((await run('capstan policy test .', TEST)).at(-1), '| 2 cases, all as expected.');
  });

  it('shows of a case that fails what was expected, what it is, and everything the evaluator has to say', async () => {
    const lines = await run(
      'capstan policy test shop.test.yaml',
      TEST.replace('outcome: approved', 'outcome: refused'),
    );
    assert.equal(lines.at(-1), '= 1');
    assert.deepEqual(lines.slice(0, 7), [
      '| ✗ shop: 2 cases, 1 not as expected',
      '|',
      '|   ✗ web gets an identity (shop.test.yaml:8:5)',
      '|       outcome',
      '|         expected  refused',
      '|         actual    approved',
      '|',
    ]);
    assert.ok(lines.some((line) => line.includes('central corp@3 mesh')));
  });

  it('fails on each thing that is expected otherwise, one finding each', async () => {
    const wrong = TEST.replace('reason: CAP-P04', 'reason: CAP-P02').replace('no-default,', 'no-such,');
    const lines = await run('capstan policy test shop.test.yaml --output github', wrong);
    assert.deepEqual(lines, [
      '| ::error file=shop.test.yaml,line=11,col=5,title=policy test%3A policy/test::reason: expected CAP-P02, but it is CAP-P04',
      '| ::error file=shop.test.yaml,line=11,col=5,title=policy test%3A policy/test::policy: expected shop/no-such, but it is shop/no-default',
      '= 1',
    ]);
  });

  for (const [field, value, actual] of [
    ['ttlMax', '2h', '1h'],
    ['ttlDefault', '5m', 'null'],
    ['failures', '[CAP-P01]', '[]'],
    ['class', 'gateway', 'workload'],
    ['wait', '3s', '0s'],
    ['quotas', '{ perIdentityPerMinute: 3 }', '{"perIdentityPerMinute":null}'],
    ['usages', '[clientAuth]', '["digitalSignature","serverAuth","clientAuth"]'],
    ['contact', '"#nobody"', 'null'],
  ] as const) {
    it(`notices another ${field}`, async () => {
      const test = TEST.replace('ttlMax: 1h', `${field}: ${value}`);
      const lines = await run('capstan policy test shop.test.yaml', test);
      assert.ok(lines.includes(`|         actual    ${actual}`), lines.join('\n'));
      assert.equal(lines.at(-1), '= 1');
    });
  }

  it('takes policies and objects that are written into the test', async () => {
    const inline = TEST.replace(
      'policies: [policies.yaml]',
      'policies: [{ apiVersion: capstan.dev/v1alpha1, kind: IssuancePolicy, metadata: { name: no-default, namespace: shop }, spec: { deny: { serviceAccounts: [default] } } }]',
    ).replace(
      'snapshot: [manifests.yaml]',
      'snapshot: [{ apiVersion: v1, kind: Namespace, metadata: { name: shop, labels: { mesh: "true" } } }]',
    );
    assert.equal((await run('capstan policy test shop.test.yaml', inline)).at(-1), '| 2 cases, all as expected.');
  });

  it('gives other programs every decision', async () => {
    const lines = await run('capstan policy test shop.test.yaml --output json', TEST);
    const { tests } = json(lines) as { tests: { cases: { passed: boolean; decision: { outcome: string } }[] }[] };
    assert.deepEqual(
      tests[0]?.cases.map(({ passed, decision }) => [passed, decision.outcome]),
      [
        [true, 'approved'],
        [true, 'refused'],
      ],
    );
  });

  it('gives pipelines a JUnit test for each case', async () => {
    const text = (await run('capstan policy test shop.test.yaml --output junit', TEST)).join('\n');
    assert.match(text, /tests="2" failures="0"/);
    assert.match(text, /<testcase name="shop: default gets none"/);
  });

  const broken: readonly (readonly [why: string, from: string, to: string, told: RegExp])[] = [
    ['an unknown field', 'outcome: approved', 'outcom: approved', /shop\.test\.yaml:10:15: cases\.0\.expect\.outcom /],
    ['a reason that policy does not have', 'CAP-P04', 'CAP-P99', /13:33: cases\.1\.expect\.reason /],
    ['a duration that is none', 'ttlMax: 1h', 'ttlMax: soon', /10:34: cases\.0\.expect\.ttlMax .*30s/],
    ['a key that is none', 'serviceAccount: web', 'serviceAccount: web, key: rsa', /request\.key must be ec-p256/],
    [
      'a request without a namespace',
      'namespace: shop, serviceAccount: web',
      'serviceAccount: web',
      /names no namespace/,
    ],
    [
      'a name that no service account has',
      'serviceAccount: web',
      'serviceAccount: WEB',
      /request has a service account/,
    ],
    ['a bundle that is not there', 'bundle: bundle.yaml', 'bundle: none.yaml', /4:1: bundle cannot read none\.yaml/],
    ['a bundle that is none', 'bundle: bundle.yaml', 'bundle: policies.yaml', /4:1: bundle is not one PolicyBundle/],
    ['an object that is none', '[manifests.yaml]', '[{ kind: Pod }]', /6:12: snapshot\.0\.apiVersion is missing/],
    [
      'a cluster that the bundle is not meant for',
      'bundle: bundle.yaml',
      'bundle: elsewhere.yaml',
      /cluster\.id .*audience/,
    ],
    ['no cases', /cases:\n[^]*$/.source, 'cases: []\n', /cases /],
    ['YAML that is none', 'cases:', 'cases: [', /shop\.test\.yaml:/],
  ];
  for (const [why, from, to, told] of broken) {
    it(`says where ${why} is, and runs nothing`, async () => {
      const elsewhere = FILES['bundle.yaml'].replace('rules:', 'audience: { clusters: [prod] }\nrules:');
      const test = TEST.replace(new RegExp(from.replaceAll('[manifests.yaml]', '\\[manifests.yaml\\]')), to);
      assert.notEqual(test, TEST);
      const lines = await run('capstan policy test shop.test.yaml', test, { 'elsewhere.yaml': elsewhere });
      assert.equal(lines.at(-1), '= 2');
      assert.match(lines[0] ?? '', /^! capstan: cannot use the tests: \d+ problems?$/);
      assert.match(lines.join('\n'), told);
    });
  }

  it('points into a policy that is written into the test', async () => {
    const inline = TEST.replace(
      'policies: [policies.yaml]',
      `policies:
  - apiVersion: capstan.dev/v1alpha1
    kind: IssuancePolicy
    metadata: { name: odd, namespace: shop }
    spec:
      narrow: { keys: [dsa] }`,
    );
    const lines = await run('capstan policy test shop.test.yaml', inline);
    assert.match(lines.join('\n'), /! {3}shop\.test\.yaml:10:24: policies\.0\.spec\.narrow\.keys\.0 /);
    assert.equal(lines.at(-1), '= 2');
  });

  it('wants a test where one is named', async () => {
    assert.deepEqual(await run('capstan policy test manifests.yaml', TEST), [
      '! capstan: there is no PolicyTest in manifests.yaml',
      '= 2',
    ]);
    const [missing] = await run('capstan policy test nowhere.yaml', TEST);
    assert.match(missing ?? '', /^! capstan: cannot read nowhere\.yaml/);
  });
});
