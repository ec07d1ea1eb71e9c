// `capstan policy check` as a pull request meets it: nothing runs yet, and everybody can see who would get what.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { sarifViolations } from '../../support/sarif-schema/validator.ts';
import { play } from '../../support/transcript.ts';
import { corpBundleText } from '../../../support/policy/policy-texts.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../../istio-config/examples');

const FILES = {
  'bundle.yaml': corpBundleText({
    before: 'classes:\n  - { class: gateway, namespaces: [edge] }\n',
    match: '{ classes: [workload, gateway], namespaces: { labels: { mesh: "true" } } }',
    ttl: '{ min: 10m, max: 24h, default: 1h }',
    keys: '[ec-p256, "rsa>=3072"]',
    after: `  - id: watched
    match: { namespaces: { names: [shop] }, clusters: { labels: { env: prod } } }
    deny: { serviceAccounts: [web] }
    mode: audit
namespaces: { quotas: { perIdentityPerMinute: 6 } }
`,
  }),
  'policies.yaml': `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: guarded, namespace: shop }
spec:
  subjects: { serviceAccounts: [api] }
  conditions:
    - id: has-network-policy
      exists: { kind: NetworkPolicy, selectsPod: true }
      message: Guard the pod with a NetworkPolicy
  contact: "#team-shop"
`,
  'manifests.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { mesh: "true" } }
---
apiVersion: v1
kind: Namespace
metadata: { name: edge, labels: { mesh: "true" } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  template: { metadata: { labels: { app: web } }, spec: { serviceAccountName: web } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: api, namespace: shop }
spec:
  template: { metadata: { labels: { app: api } }, spec: { serviceAccountName: api } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: api, namespace: shop }
spec:
  template: { metadata: { labels: { app: load } }, spec: { serviceAccountName: api } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: api, namespace: shop }
spec: { podSelector: { matchLabels: { app: api } } }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: proxy, namespace: edge }
spec:
  template: { metadata: { labels: { app: proxy } }, spec: {} }
`,
};

async function check(options: string, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const command = `capstan policy check --bundle bundle.yaml --policies policies.yaml ${options}`;
  const [lines = []] = await play({ scenes: [{ command, expected: [] }], files: { ...FILES, ...more } });
  return lines;
}

function json(lines: readonly string[]): {
  readonly bundle: string;
  readonly workloads: readonly { readonly name: string; readonly kind: string; readonly outcome: string }[];
} {
  const out = lines.filter((line) => line.startsWith('|')).map((line) => line.slice(2));
  return JSON.parse(out.join('\n')) as ReturnType<typeof json>;
}

async function verdicts(options: string, more?: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { workloads } = json(await check(`${options} --output json`, more));
  return workloads.map(({ kind, name, outcome }) => `${kind} ${name} ${outcome}`);
}

const ALL = ['DaemonSet proxy approved', 'Deployment api approved', 'Deployment web approved', 'Job api refused'];

describe('capstan policy check', () => {
  it('tells by namespace which identity each workload would get, under which bounds, or why not', async () => {
    const lines = await check('manifests.yaml');
    const cells = lines.slice(0, 5).map((line) => line.slice(2).split(/ {2,}/));
    const bounds =
      '10m to 24h, 1h unless asked; ec-p256 rsa>=3072; digitalSignature serverAuth clientAuth; 6/min for the identity';
    assert.deepEqual(cells, [
      ['NAMESPACE', 'WORKLOAD', 'IDENTITY', 'CLASS', 'VERDICT', 'BOUNDS'],
      ['edge', 'DaemonSet proxy', 'spiffe://cluster.local/ns/edge/sa/default', 'gateway', 'approved', bounds],
      ['shop', 'Deployment api', 'spiffe://cluster.local/ns/shop/sa/api', 'workload', 'approved', bounds],
      ['', 'Deployment web', 'spiffe://cluster.local/ns/shop/sa/web', 'workload', 'approved', bounds],
      ['', 'Job api', 'spiffe://cluster.local/ns/shop/sa/api', 'workload', 'refused CAP-P12', '-'],
    ]);
    assert.deepEqual(lines.slice(-3), ['|', '| 4 workloads judged, 1 without an identity.', '= 1']);
  });

  it('says of a refused workload what failed, by whose policy, what would pass and whom to ask', async () => {
    const text = (await check('manifests.yaml')).join('\n');
    assert.match(text, /\| Job shop\/api \(manifests\.yaml:21:1\)/);
    assert.match(
      text,
      /CAP-P12 namespace policy shop\/guarded at spec\.conditions\.has-network-policy demands .*; to pass: Guard the pod with a NetworkPolicy; ask #team-shop/,
    );
    assert.doesNotMatch(text, /Deployment shop\/api \(/);
  });

  it('tells of every workload how it was decided, when asked to', async () => {
    const text = (await check('manifests.yaml --explain')).join('\n');
    assert.match(text, /\| Deployment shop\/api \(manifests\.yaml:15:1\)/);
    assert.match(text, /Conditions that hold:\n\| {5}shop\/guarded spec\.conditions\.has-network-policy/);
    assert.match(text, /Looked at:\n\| {5}Namespace shop \(uid /);
  });

  it('asks about a pod of each workload, also where two workloads share a name', async () => {
    assert.deepEqual(await verdicts('manifests.yaml'), ALL);
    const swapped = FILES['manifests.yaml']
      .replace('{ app: load }', '{ app: api }')
      .replace('{ app: api }', '{ app: load }');
    assert.deepEqual(await verdicts('manifests.yaml', { 'manifests.yaml': swapped }), [
      'DaemonSet proxy approved',
      'Deployment api refused',
      'Deployment web approved',
      'Job api approved',
    ]);
  });

  it('is content when everybody gets an identity', async () => {
    const lines = await check('manifests.yaml', {
      'policies.yaml': FILES['policies.yaml'].replace('spec:', 'spec:\n  mode: "off"'),
    });
    assert.deepEqual(lines.slice(-1), ['| 4 workloads judged, none without an identity.']);
  });

  it('warns of what is audited, and does not fail on it', async () => {
    const lines = await check('manifests.yaml --class workload --cluster-label env=prod --output github', {
      'policies.yaml': FILES['policies.yaml'].replace('[api]', '[nobody]'),
    });
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^\| ::warning file=manifests\.yaml,line=9,col=1,title=policy check%3A CAP-P04::spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web: the bundle corp@3 at rules\.watched\.deny\.serviceAccounts /,
    );
  });

  it('asks what the options say', async () => {
    const refusedAll = ALL.map((line) => line.replace('approved', 'refused'));
    assert.deepEqual(await verdicts('manifests.yaml --key rsa-2048'), refusedAll);
    assert.deepEqual(await verdicts('manifests.yaml --key rsa-3072'), ALL);
    assert.deepEqual(await verdicts('manifests.yaml --ttl 5m'), refusedAll);
    assert.deepEqual(await verdicts('manifests.yaml --trust-domain corp.example'), refusedAll);
    assert.deepEqual(await verdicts('manifests.yaml --class gateway'), ALL.slice(0, 1));
    assert.deepEqual(await verdicts('manifests.yaml --claim podName=proxy-example --class gateway'), ALL.slice(0, 1));
  });

  it('asks for the moment that it is told, or for this one', async () => {
    const ending = {
      'bundle.yaml': FILES['bundle.yaml'].replace('rules:', 'validity: { hardExpiry: 2026-03-01T00:00:00Z }\nrules:'),
    };
    const gateway = 'manifests.yaml --class gateway';
    assert.deepEqual(await verdicts(gateway, ending), ['DaemonSet proxy approved']);
    assert.deepEqual(await verdicts(`${gateway} --now 2026-03-01T00:00:00Z`, ending), ['DaemonSet proxy unavailable']);
    const lines = await check(`${gateway} --now 2026-03-01T00:00:00Z --output github`, ending);
    assert.match(lines[0] ?? '', /title=policy check%3A CAP-S11::/);
    assert.equal(lines.at(-1), '= 1');
  });

  it('gives code scanning a result at the line of the manifest', async () => {
    const out = (await check('manifests.yaml --output sarif')).filter((line) => line.startsWith('|'));
    const { runs } = JSON.parse(out.map((line) => line.slice(2)).join('\n')) as SarifLog;
    const [result, ...more] = runs[0]?.results ?? [];
    assert.deepEqual(more, []);
    assert.equal(result?.ruleId, 'CAP-P12');
    assert.deepEqual(result.locations[0]?.physicalLocation.region, { startLine: 21, startColumn: 1 });
  });

  it('checks the example of two teams for code scanning', async () => {
    const [policies, manifests] = ['platform/policies', 'manifests'].map((name) => path.join(EXAMPLES, name));
    const bundle = path.join(EXAMPLES, 'security/bundle.yaml');
    const command = `capstan policy check --bundle ${bundle} --policies ${policies ?? ''} ${manifests ?? ''}`;
    const scenes = ['json', 'sarif'].map((format) => ({ command: `${command} --output ${format}`, expected: [] }));
    const [inJson = [], inSarif = []] = await play({ scenes, files: {} });
    const { workloads } = json(inJson);
    const refused = workloads.filter(({ outcome }) => outcome === 'refused');
    assert.ok(workloads.length >= 12 && refused.length >= 5 && refused.length < workloads.length);
    const log = JSON.parse(
      inSarif
        .filter((line) => line.startsWith('|'))
        .map((line) => line.slice(2))
        .join('\n'),
    ) as SarifLog;
    assert.deepEqual(sarifViolations(log), []);
    const errors = log.runs[0]?.results.filter(({ level }) => level === 'error') ?? [];
    assert.ok(errors.length >= refused.length);
  });

  it('tells bounds, quotas and policies to other programs, no limit being null', async () => {
    const { bundle, workloads } = json(await check('manifests.yaml --class gateway --output json'));
    assert.equal(bundle, 'corp@3');
    const [{ bounds, quotas, applied }] = workloads as unknown as [Record<string, unknown>];
    assert.deepEqual(quotas, { perNamespacePerMinute: null, perIdentityPerMinute: 6 });
    assert.deepEqual(applied, ['central corp@3 mesh']);
    assert.deepEqual((bounds as { ttl: unknown }).ttl, { minMs: 600_000, maxMs: 86_400_000, defaultMs: 3_600_000 });
  });

  const FOREIGN = {
    'bundle.yaml': FILES['bundle.yaml'].replace(
      'rules:',
      'audience: { clusters: ["prod-*"] }\nvalidity: { notBefore: 2026-01-01T00:00:00Z }\nrules:',
    ),
  };

  it('judges by a bundle in the clusters that it is meant for', async () => {
    assert.deepEqual(await verdicts('manifests.yaml --cluster-id prod-1', FOREIGN), ALL);
  });

  const unreadable: readonly (readonly [
    why: string,
    options: string,
    more: Readonly<Record<string, string>>,
    told: RegExp,
  ])[] = [
    ['a policy that does not parse', 'manifests.yaml', { 'policies.yaml': 'kind: Nonsense\n' }, /policies\.yaml:1:/],
    [
      'a manifest that does not parse',
      'manifests.yaml',
      { 'manifests.yaml': 'kind: Pod\n' },
      /manifests\.yaml:1:1: apiVersion is missing/,
    ],
    ['a file that is not there', 'nowhere.yaml', {}, /cannot read nowhere\.yaml/],
    ['no workload', 'manifests.yaml', { 'manifests.yaml': '' }, /there is no workload in manifests\.yaml/],
    ['a key that is none', 'manifests.yaml --key rsa', {}, /--key.*ec-p256/],
    ['a claim by its former name', 'manifests.yaml --claim provenBy=token', {}, /called authenticationMethod now/],
    ['a claim that is none', 'manifests.yaml --claim colour=red', {}, /--claim.*podName/],
    ['a moment that is none', 'manifests.yaml --now yesterday', {}, /--now.*2026-01-31T12:00:00Z/],
    [
      'a bundle for other clusters',
      'manifests.yaml --cluster-id lab',
      FOREIGN,
      /bundle\.yaml:7:\d+: audience\.clusters is meant for prod-\*; this cluster is lab/,
    ],
    [
      'a bundle that has not begun',
      'manifests.yaml --cluster-id prod-1 --now 2025-12-31T23:59:59Z',
      FOREIGN,
      /validity\.notBefore has not come/,
    ],
    ['a trust domain that is none', 'manifests.yaml --trust-domain A/B', {}, /trust domain/],
  ];
  for (const [why, options, more, told] of unreadable) {
    it(`cannot run with ${why}, and says so`, async () => {
      const lines = await check(options, more);
      assert.match(lines.join('\n'), told);
      assert.equal(lines.at(-1), '= 2');
    });
  }

  it('judges kinds of which a table in a file tells where they describe pods', async () => {
    const farm = `apiVersion: example.dev/v1
kind: Farm
metadata: { name: f, namespace: shop }
spec: { worker: { as: web } }
`;
    const kinds = 'kinds: [{ group: example.dev, kind: Farm, serviceAccount: spec.worker.as }]\n';
    const more = { 'farm.yaml': farm, 'kinds.yaml': kinds };
    const namespaces = FILES['manifests.yaml'].split('---')[0] ?? '';
    const told = await verdicts('farm.yaml ns.yaml --kinds kinds.yaml', { ...more, 'ns.yaml': namespaces });
    assert.deepEqual(told, ['Farm f approved']);
    const untold = await check('farm.yaml', more);
    assert.deepEqual(untold, ['! capstan: there is no workload in farm.yaml', '= 2']);
  });

  it('refuses a table of kinds that is wrong, in its report too, naming each problem at its place', async () => {
    const more = { 'kinds.yaml': 'kinds:\n  - { group: a.dev, kind: A }\n  - { kind: B, podTemplate: spec }\n' };
    const lines = await check('manifests.yaml --kinds kinds.yaml --output github', more);
    assert.deepEqual(lines, [
      '| ::error file=kinds.yaml,line=2,col=5,title=policy check%3A unreadable::kinds.0 must have podTemplate or serviceAccount',
      '| ::error file=kinds.yaml,line=3,col=5,title=policy check%3A unreadable::kinds.1 must have apiVersion or group',
      '! capstan: cannot use the table of kinds: 2 problems',
      '!   kinds.yaml:2:5: kinds.0 must have podTemplate or serviceAccount',
      '!   kinds.yaml:3:5: kinds.1 must have apiVersion or group',
      '= 2',
    ]);
    const gone = await check('manifests.yaml --kinds none.yaml');
    assert.match(gone.join(), /cannot read none\.yaml: it does not exist/);
  });

  describe('reading - for standard input', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'check-stdin-'));
      for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(folder, name), text);
    });
    after(() => rmSync(folder, { recursive: true }));

    const piped = (input: string) => {
      const command = ['policy', 'check', '--bundle', 'bundle.yaml', '--namespace', 'shop', '-'];
      const main = path.resolve(import.meta.dirname, '../../../../src/main.ts');
      return spawnSync(process.execPath, [main, ...command], { cwd: folder, input, encoding: 'utf8' });
    };

    it('judges what comes through the pipe, as kubectl would apply it', () => {
      const rendered = FILES['manifests.yaml'].replaceAll(', namespace: shop', '');
      const { stdout, status } = piped(rendered);
      assert.match(stdout, /shop +Deployment api +spiffe:\/\/cluster\.local\/ns\/shop\/sa\/api +workload +approved/);
      assert.match(stdout, /3 workloads named no namespace: shop was assumed/);
      assert.equal(status, 0);
    });

    it('calls it stdin, and ends with 2, when it is nothing or cannot be read', () => {
      const nothing = piped('');
      assert.deepEqual([nothing.status, nothing.stderr.trim()], [2, 'capstan: there is no workload in -']);
      const broken = piped('a: [');
      assert.equal(broken.status, 2);
      assert.match(broken.stderr, /stdin:1:\d+: /);
    });
  });
});

interface SarifLog {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string;
      readonly level: string;
      readonly locations: readonly { readonly physicalLocation: { readonly region: unknown } }[];
    }[];
  }[];
}
