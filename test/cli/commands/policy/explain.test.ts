// `capstan policy explain` as whoever was refused meets it, with the id from a proxy's log or before anything ran.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import type { FailedClause } from '../../../../src/domain/policy/policy-decision.ts';
import type { DecisionRecord, PolicyTrace } from '../../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { play } from '../../support/transcript.ts';
import { corpBundleText } from '../../../support/policy/policy-texts.ts';

const SUBJECT = 'spiffe://cluster.local/ns/shop/sa/api';
const KEYS: FailedClause = {
  reason: 'CAP-P02',
  layer: 'central',
  policy: 'corp@3',
  field: 'rules.mesh.bounds.keys',
  actual: 'rsa-2048',
  allowed: 'ec-p256',
  change: 'use a key of a type that is listed',
  contact: '#security',
  mayPassLater: false,
};
const INGRESS: FailedClause = {
  reason: 'CAP-P12',
  layer: 'namespace',
  policy: 'shop/public-api',
  field: 'spec.conditions.has-ingress',
  actual: 'there is none',
  allowed: 'Ingress in shop',
  change: 'Publish an Ingress',
  message: 'Publish an Ingress',
  contact: '#team-shop',
  mayPassLater: true,
};
/** Of a request that nothing stood against. */
const passed: PolicyTrace = {
  subject: SUBJECT,
  class: 'workload',
  key: { type: 'rsa', bits: 2048 },
  requestedTtlMs: 5_400_000,
  issuer: 'default',
  bundle: 'corp@3',
  snapshot: 'a1b2',
  applied: ['central corp@3 mesh', 'namespace shop/public-api'],
  objects: [{ kind: 'Namespace', name: 'shop', uid: 'u-1', resourceVersion: '77' }],
};
const TRACE: PolicyTrace = { ...passed, failures: [KEYS, INGRESS] };

const common = { timeMs: NOON_MS, api: 'csr', remoteAddress: '127.0.0.1:1', caller: SUBJECT } as const;
const issued = {
  identity: SUBJECT,
  serial: '7f',
  issuer: 'fe',
  notBeforeMs: NOON_MS,
  notAfterMs: NOON_MS + 1,
  keyType: 'ec-p256',
} as const;

const RECORDS: readonly DecisionRecord[] = [
  {
    ...common,
    decisionId: 'refused1',
    outcome: 'refused',
    reason: 'CAP-P02',
    message: 'CAP-P02 no',
    policyRevision: 'abcd',
    policy: TRACE,
  },
  {
    ...common,
    ...issued,
    decisionId: 'excused1',
    outcome: 'issued',
    policyRevision: 'abcd',
    policy: {
      ...passed,
      audits: [INGRESS],
      waived: [{ key: 'shop/public-api spec.conditions.has-ingress', sinceMs: NOON_MS - 60_000 }],
    },
  },
  {
    ...common,
    ...issued,
    decisionId: 'chosen1',
    outcome: 'issued',
    policyRevision: 'abcd',
    policy: {
      ...passed,
      issuer: 'gold',
      issuerChoice: { why: 'first-allowed', limitedBy: ['central corp@3 mesh', 'namespace shop/public-api'] },
    },
  },
  {
    ...common,
    decisionId: 'quota1',
    outcome: 'refused',
    reason: 'CAP-Q03',
    message: 'CAP-Q03 the namespace has used up its quota',
    policyRevision: 'abcd',
    policy: passed,
  },
  {
    ...common,
    decisionId: 'early1',
    outcome: 'refused',
    reason: 'CAP-A05',
    message: 'CAP-A05 the token does not verify',
  },
];

describe('capstan policy explain', () => {
  let folder: string;
  let journal: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-explain-'));
    journal = path.join(folder, 'journal.sqlite');
    const { signal } = new AbortController();
    await using writer = new SqliteJournal({ clock: new FakeClock(), events: recordEvents() }, { file: journal });
    await writer.start({ signal });
    for (const record of RECORDS) await writer.append(record, { signal });
  });
  after(() => rm(folder, { recursive: true }));

  const run = async (options: string, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> => {
    const [lines = []] = await play({
      scenes: [{ command: `capstan policy explain ${options}`, expected: [] }],
      files,
    });
    return lines;
  };
  const explain = async (decision: string, ...options: readonly string[]): Promise<readonly string[]> =>
    run([decision, '--journal', journal, ...options].join(' '));

  it('tells a refusal in words: what was asked, who said what, what would pass, whom to ask, what was looked at', async () => {
    assert.deepEqual(await explain('refused1', '--output', 'words'), [
      '| Decision refused1 (csr) of 2026-01-06 12:00:00 UTC: refused with CAP-P02.',
      '|',
      `| ${SUBJECT} asked for a certificate of class workload with an rsa-2048 key from issuer default, for 90m.`,
      '| Policy revision abcd of bundle corp@3 was asked over cluster snapshot a1b2: central corp@3 mesh, namespace shop/public-api applied.',
      '|',
      '| Refused because:',
      '|   CAP-P02 the bundle corp@3 at rules.mesh.bounds.keys allows ec-p256; it was asked for: rsa-2048; to pass: use a key of a type that is listed; ask #security.',
      '|   CAP-P12 namespace policy shop/public-api at spec.conditions.has-ingress demands Ingress in shop; it found: there is none; to pass: Publish an Ingress; ask #team-shop; it may pass later, when the cluster changes.',
      '|',
      '| Looked at:',
      '|   Namespace shop (uid u-1, resourceVersion 77)',
    ]);
  });

  it('draws the same as a tree', async () => {
    assert.deepEqual(await explain('refused1', '--output', 'tree'), [
      `| refused CAP-P02 ${SUBJECT}`,
      '| ├─ ✗ central corp@3 mesh',
      '| │  └─ ✗ CAP-P02 rules.mesh.bounds.keys',
      '| │     ├─ actual   rsa-2048',
      '| │     ├─ allowed  ec-p256',
      '| │     ├─ change   use a key of a type that is listed',
      '| │     └─ ask      #security',
      '| ├─ ✗ namespace shop/public-api',
      '| │  └─ ✗ CAP-P12 spec.conditions.has-ingress',
      '| │     ├─ actual   there is none',
      '| │     ├─ allowed  Ingress in shop',
      '| │     ├─ change   Publish an Ingress',
      '| │     └─ ask      #team-shop',
      '| └─ cluster',
      '|    └─ Namespace shop (uid u-1, resourceVersion 77)',
    ]);
  });

  it('tells both unless asked for one, and the record itself to other programs', async () => {
    const [words, tree] = [
      await explain('refused1', '--output', 'words'),
      await explain('refused1', '--output', 'tree'),
    ];
    assert.deepEqual(await explain('refused1'), [...words, '|', ...tree]);
    const json = (await explain('refused1', '--output', 'json')).map((line) => line.slice(2)).join('\n');
    assert.deepEqual((JSON.parse(json) as { policy: unknown }).policy, TRACE);
  });

  it('tells why an identity was renewed although a condition does not hold', async () => {
    const lines = await explain('excused1');
    assert.equal(lines[0], '| Decision excused1 (csr) of 2026-01-06 12:00:00 UTC: issued serial 7f.');
    assert.ok(lines.includes('| Waived, because the identity has a certificate:'));
    assert.ok(
      lines.includes('|   shop/public-api spec.conditions.has-ingress, which last held at 2026-01-06 11:59:00 UTC'),
    );
    assert.ok(lines.includes('| ├─ ✓ central corp@3 mesh') && lines.includes('| ├─ ! namespace shop/public-api'));
  });

  it('tells which issuer was chosen of several, and which policies limit it', async () => {
    assert.ok(
      (await explain('chosen1')).includes(
        "| Issuer gold was chosen, the first in the server's configuration that policies allow: limited by central corp@3 mesh, namespace shop/public-api.",
      ),
    );
  });

  it('tells what stood in the way when it was no clause of policy', async () => {
    assert.ok(
      (await explain('quota1')).includes(
        '| No clause of policy stood in the way, but: CAP-Q03 the namespace has used up its quota.',
      ),
    );
    assert.deepEqual(await explain('early1'), [
      '| Decision early1 was made without policy: CAP-A05 the token does not verify.',
    ]);
  });

  it('knows no other decisions, and no other journals', async () => {
    const unknown = await explain('nobody');
    assert.match(unknown[0] ?? '', /^! capstan: there is no decision "nobody" in .*journal\.sqlite$/);
    assert.equal(unknown.at(-1), '= 2');
    const missing = await run('refused1 --journal nowhere.sqlite');
    assert.match(missing[0] ?? '', /nowhere\.sqlite/);
    assert.equal(missing.at(-1), '= 2');
    assert.equal((await run('refused1 --config nowhere.yaml')).at(-1), '= 2');
  });

  const FILES = {
    'bundle.yaml': corpBundleText({ ttl: '{ max: 24h, default: 1h }' }),
    'policies.yaml': `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: public-api, namespace: shop }
spec:
  conditions:
    - id: has-ingress
      exists: { kind: Ingress }
      message: Publish an Ingress
    - id: own-account
      expression: "request.serviceAccount != 'default'"
      message: Use an account of your own
`,
    'manifests.yaml': `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop, uid: u-9, resourceVersion: "12" }
`,
  };
  const QUESTION = '--namespace shop --service-account api --bundle bundle.yaml --policies policies.yaml';

  it('asks the evaluator what would be, and tells which conditions hold', async () => {
    const lines = await run(`${QUESTION} --cluster manifests.yaml --output words`, FILES);
    assert.equal(lines[0], `| ${SUBJECT}: approved.`);
    const told = [
      '| It may have a certificate: up to 24h, 1h unless asked; for digitalSignature, serverAuth, clientAuth; without a quota.',
      '| Conditions that hold:',
      '|   shop/public-api spec.conditions.has-ingress',
      '|   shop/public-api spec.conditions.own-account',
    ];
    for (const line of told) assert.ok(lines.includes(line), lines.join('\n'));
    assert.match(lines.join('\n'), /Ingress shop\/web \(uid u-9, resourceVersion [0-9a-f]{16}\)/);
  });

  it('tells a refusal that would be, and which conditions hold beside it', async () => {
    const lines = await run(`${QUESTION} --cluster manifests.yaml --key rsa-4096`, { ...FILES, 'manifests.yaml': '' });
    assert.equal(lines[0], `| ${SUBJECT}: refused with CAP-P02.`);
    assert.ok(lines.some((line) => line.startsWith('|   CAP-P12 namespace policy shop/public-api')));
    assert.ok(lines.includes('|   shop/public-api spec.conditions.own-account'));
    assert.ok(!lines.includes('|   shop/public-api spec.conditions.has-ingress'));
    assert.ok(lines.includes(`| refused CAP-P02 ${SUBJECT}`));
  });

  it('chooses among the issuers of the server as it would', async () => {
    const bundle = FILES['bundle.yaml'].replace('      keys:', '      issuer: gold\n      keys:');
    const ask = async (issuers: string) =>
      run(`${QUESTION} --cluster manifests.yaml ${issuers} --output words`, { ...FILES, 'bundle.yaml': bundle });
    const several = await ask('--issuer default --issuer gold');
    assert.equal(several[0], `| ${SUBJECT}: approved.`);
    assert.match(several.join('\n'), /Issuer gold was chosen, .* policies allow: limited by central corp@3 mesh\./);
    const none = await ask('--issuer default --issuer silver');
    assert.equal(none[0], `| ${SUBJECT}: refused with CAP-P08.`);
    assert.match(none.join('\n'), /Issuer default is the default one: .*, limited by central corp@3 mesh\./);
    assert.equal((await ask(''))[0], `| ${SUBJECT}: refused with CAP-P08.`);
    assert.equal((await ask('--issuer gold'))[0], `| ${SUBJECT}: approved.`);
  });

  it('denies nothing over a cluster that it was not shown', async () => {
    const lines = await run(QUESTION, FILES);
    assert.equal(lines[0], `| ${SUBJECT}: unavailable with CAP-S10.`);
    assert.ok(lines.some((line) => line.includes('name them with --cluster')));
    assert.ok(!lines.some((line) => line.includes('CAP-P12')));
  });

  it('wants a decision or a whole question', async () => {
    for (const options of ['', '--namespace shop', '--namespace shop --service-account web']) {
      const lines = await run(options, FILES);
      assert.match(lines[0] ?? '', /name a decision, or --namespace, --service-account and --bundle/);
      assert.equal(lines.at(-1), '= 2');
    }
    assert.equal((await run(QUESTION.replace('api', 'API'), FILES)).at(-1), '= 2');
    assert.equal((await run(QUESTION, { ...FILES, 'policies.yaml': 'kind: [' })).at(-1), '= 2');
  });
});
