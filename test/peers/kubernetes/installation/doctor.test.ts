// `capstan doctor` on a real API server, with a real Capstan to connect to: nothing found where all is in order, and each of its errors
// where it has been made. It is long because each error stands there with what makes it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../../src/cli/program.ts';
import { CHECKS } from '../../../../src/review/doctor/diagnose.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { freePort } from '../../../support/eventually.ts';
import { crlIssuerOf, crlOf, crlPem } from '../../../support/paths/crls.ts';
import { Capstan } from '../../support/capstan.ts';
import { createRoot, issueIntermediate } from '../../support/pki.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { istioCharts, renderIstio } from '../istio/support/charts.ts';
import type { ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { programKubeconfig } from '../support/credential-program.ts';
import { accountName, marked, untilInForce } from '../support/roles-in-force.ts';
import { bundleFrom, configMap, Installation, NAMESPACE } from './support/installation.ts';

const YEARS = 800;

const LONG_AGO = {
  notBefore: '2025-01-01T00:00:00Z',
  softExpiry: '2025-02-01T00:00:00Z',
  hardExpiry: '2025-03-01T00:00:00Z',
};

interface Diagnosed {
  readonly code: number;
  readonly findings: readonly {
    readonly check: string;
    readonly severity: string;
    readonly subject: string;
    readonly message: string;
  }[];
  readonly notSeen: readonly { readonly why: string }[];
}

describe('capstan doctor in a cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let capstan: Capstan;
  let installation: Installation;

  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs({}), 'Kubernetes');
    const root = await createRoot('Corporate Root', YEARS);
    const issuer = await issueIntermediate(root, 'Mesh Issuer', YEARS);
    capstan = ended.use(await Capstan.start({ sockets: [], root, issuer }));
    cluster = ended.use(await KubernetesCluster.start());
    installation = new Installation(capstan);
    await apply(await installation.objects());
  });
  after(async () => ended.disposeAsync());

  /** As Capstan would, so that it is nobody else's. */
  async function apply(given: readonly ClusterObject[], manager = 'capstan'): Promise<void> {
    const objects = marked(given);
    for (const object of objects) {
      const target = `${await cluster.api.pathOf(object)}?fieldManager=${manager}&force=true`;
      await cluster.api.ask('PATCH', target, object, 'application/apply-patch+yaml');
    }
    await untilInForce(cluster.api, objects, accountName(NAMESPACE, 'capstan'));
  }

  async function run(
    ...options: readonly string[]
  ): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
    const { terminal, out, error } = recordTerminal();
    const argv = ['doctor', '--kubeconfig', cluster.administratorKubeconfig, ...options];
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    return { code, out: out(), error: error() };
  }

  async function diagnosed(at = `127.0.0.1:${capstan.tlsPort}`): Promise<Diagnosed> {
    const { code, out, error } = await run('--server', at, '--observation', capstan.observation, '--output', 'json');
    assert.notEqual(out, '', error);
    return { code, ...(JSON.parse(out) as Omit<Diagnosed, 'code'>) };
  }

  it('finds nothing where all is in order, and has seen everything', async () => {
    assert.deepEqual(await diagnosed(), { code: 0, findings: [], notSeen: [] });
  });

  it('looks as well with the kubeconfigs of KUBECONFIG, one of which has a program for its credentials', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'doctor-'));
    try {
      const { file, runs } = programKubeconfig(
        cluster.administratorKubeconfig,
        path.join(folder, 'program'),
        (token) => [{ token: 'of-yesterday' }, { token }],
      );
      const { terminal, out, error } = recordTerminal();
      const environment = { PATH: process.env['PATH'], KUBECONFIG: `${path.join(folder, 'none')}:${file}` };
      const at = ['--server', `127.0.0.1:${capstan.tlsPort}`, '--observation', capstan.observation];
      const argv = ['doctor', ...at, '--output', 'json'];
      const code = await runCli(argv, { terminal, environment, signal: AbortSignal.timeout(60_000) });
      assert.deepEqual({ code, ...(JSON.parse(out()) as object) }, { code: 0, findings: [], notSeen: [] }, error());
      assert.equal(runs(), 2, 'once more for the token that the API server did not know, and then never again');

      writeFileSync(path.join(folder, 'program/print.sh'), 'echo my-secret; echo my-secret >&2; exit 7');
      const broken = recordTerminal();
      assert.equal(await runCli(argv, { ...broken, environment, signal: AbortSignal.timeout(60_000) }), 2);
      assert.match(
        broken.error(),
        /sh, which .*kubeconfig names for credentials, ended with exit code 7\. .*run it by hand/,
      );
      assert.doesNotMatch(broken.error() + broken.out(), /my-secret/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  const seeds: readonly (readonly [
    check: string,
    says: RegExp,
    seed: () => Promise<readonly ClusterObject[]> | readonly ClusterObject[],
  ])[] = [
    ['ca-address', /has no caAddress/, () => installation.istio({ global: { caAddress: '' } })],
    [
      'ca-address',
      /not a name of Capstan's/,
      () => installation.istio({ global: { caAddress: 'cert-manager-istio-csr.cert-manager.svc:443' } }),
    ],
    ['ztunnel-ca-address', /has no CA_ADDRESS/, () => installation.istio({ ztunnelAddress: '' })],
    ['istiod-ca-server', /ENABLE_CA_SERVER is not set/, () => installation.istio({ istiodEnv: {} })],
    [
      'pilot-cert-provider',
      /pilotCertProvider: custom/,
      () => installation.istio({ global: { pilotCertProvider: 'custom' } }),
    ],
    ['trust-domain', /has trustDomain corp\.example/, () => installation.istio({ trustDomain: 'corp.example' })],
    ['token-audience', /audience vault/, () => installation.istio({ global: { sds: { token: { aud: 'vault' } } } })],
    [
      'token-issuer',
      /does not name https:\/\/kubernetes\.default/,
      () =>
        installation.capstan({
          config: {
            cluster: { id: 'prod-eu-1' },
            authentication: { tokens: { issuers: [{ issuer: 'https://tokens.test', keys: { discovery: true } }] } },
          },
        }),
    ],
    [
      'serving-name',
      /not capstan-corp\.istio-system\.svc/,
      () => [
        ...installation.istio({ global: { caAddress: 'capstan-corp.istio-system.svc:15012' } }),
        ...installation.capstan({
          config: { serving: { dnsNames: ['capstan.istio-system.svc', 'capstan-corp.istio-system.svc'] } },
        }),
      ],
    ],
    ['unreachable', /no endpoint that is ready/, () => [installation.endpoints(false)]],
    [
      'root-config-map',
      /lacks CN=Corporate Root/,
      async () => installation.rootConfigMaps((await createRoot('Another Root', YEARS)).certificatePem),
    ],
    [
      'istiod-tls-expired',
      /expired/,
      async () => [await installation.istiodTls({ notAfter: new Date(Date.now() - 60_000) })],
    ],
    [
      'istiod-tls-root',
      /no trust anchor of Capstan's/,
      async () => {
        const foreign = await createRoot('O=cluster.local', YEARS);
        return [await installation.istiodTls({ issuer: foreign, rootPem: foreign.certificatePem })];
      },
    ],
    [
      'webhook-ca-bundle',
      /without a trust anchor/,
      async () => [installation.webhook((await createRoot('Another Root', YEARS)).certificatePem)],
    ],
    [
      'anchor-end',
      /ends .* in 9 days/,
      async () => {
        const ending = capstan.anchorsPem + (await createRoot('Ending Root', 9.5)).certificatePem;
        return [configMap('capstan-anchors', { 'root-cert.pem': ending }), ...installation.rootConfigMaps(ending)];
      },
    ],
    ['bundle-signature', /the bundle is not signed/, () => installation.capstan({ unsigned: true })],
    [
      'bundle-age',
      /past its hard expiry/,
      () =>
        installation.capstan({
          bundle: { validity: LONG_AGO },
        }),
    ],
    ['bundle-audience', /prod-eu-1/, () => installation.capstan({ bundle: { audience: { clusters: ['staging-*'] } } })],
    [
      'bundle-signature',
      /ConfigMap istio-system\/capstan-policy-bundle\/bundle\.yaml.*the bundle is not signed/,
      () => installation.capstan({ config: bundleFrom('ConfigMap'), unsigned: true }),
    ],
    [
      'bundle-audience',
      /prod-eu-1/,
      () =>
        installation.capstan({
          config: bundleFrom('ConfigMap'),
          bundle: { audience: { clusters: ['staging-*'] } },
        }),
    ],
    [
      'bundle-age',
      /past its hard expiry/,
      () => installation.capstan({ config: bundleFrom('ConfigMap'), bundle: { validity: LONG_AGO } }),
    ],
    [
      'bundle-absent',
      /create secret generic capstan-policy-bundle/,
      () => installation.capstan({ config: bundleFrom('Secret') }),
    ],
    [
      'rights',
      /may not get configmaps capstan-policy-bundle in istio-system, which policyBundle needs/,
      () => [
        ...installation.capstan({ config: bundleFrom('ConfigMap') }),
        ...installation.rights(['capstan-policy-bundle']),
      ],
    ],
    ['mounted-config-map', /has no key root-cert\.pem/, () => [configMap('capstan-anchors', { 'root.pem': '' })]],
    ['rights', /may not create tokenreviews\.authentication\.k8s\.io/, () => installation.rights(['tokenreviews'])],
  ];

  for (const [check, says, seed] of seeds) {
    it(`finds what was seeded for ${check}: ${says.source}`, async () => {
      await apply(await seed());
      const { code, findings } = await diagnosed();
      await apply(await installation.objects());
      assert.deepEqual([...new Set(findings.map((finding) => finding.check))], [check]);
      assert.match(findings[0]!.message, says);
      assert.equal(code, findings.some(({ severity }) => severity === 'error') ? 1 : 0);
    });
  }

  /** Makes objects that are not there otherwise, and takes them away again. */
  async function withExtra(objects: readonly ClusterObject[], manager?: string): Promise<Diagnosed> {
    await apply(objects, manager);
    try {
      return await diagnosed();
    } finally {
      for (const object of objects) await cluster.api.delete(object);
      await apply(await installation.objects());
    }
  }

  it('finds a namespace without the root ConfigMap, and one that no rule names', async () => {
    await apply([installation.namespace('billing', { 'istio.io/rev': 'capstan' })]);
    const { findings } = await diagnosed();
    await apply([installation.namespace('billing')]);
    assert.deepEqual(
      findings.map(({ check, subject }) => [check, subject]),
      [
        ['root-config-map', 'ConfigMap billing/istio-ca-root-cert'],
        ['unnamed-namespace', 'Namespace billing'],
      ],
    );
  });

  it('finds another writer of the root ConfigMap', async () => {
    const maps = installation.rootConfigMaps();
    const { findings } = await withExtra(maps, 'pilot-discovery');
    assert.deepEqual([...new Set(findings.map(({ check }) => check))], ['root-config-map-writers']);
    assert.match(findings[0]!.message, /capstan and pilot-discovery/);
  });

  it('finds a revocation list that lapsed where pods mount it, and takes an empty one for none', async () => {
    const root = await testAuthority();
    const issuer = { issuer: crlIssuerOf(root.bundle.anchors[0]!), keyPem: root.root.keyPem };
    const times = { thisUpdateMs: Date.now() - 7_200_000, nextUpdateMs: Date.now() - 60_000 };
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio-ca-crl', namespace: 'default' },
      data: { 'ca-crl.pem': crlPem(crlOf(issuer, Date.now(), times)) },
    };
    await apply([map]);
    const { findings } = await diagnosed();
    await apply([{ ...map, data: { 'ca-crl.pem': '' } }]);
    const withdrawn = await diagnosed();
    await cluster.api.delete(map);
    assert.deepEqual(
      findings.map(({ check, subject }) => [check, subject]),
      [['crl-config-map', 'ConfigMap default/istio-ca-crl']],
    );
    assert.match(findings[0]!.message, /lapsed/);
    assert.deepEqual(withdrawn.findings, []);
  });

  it('finds that istiod-tls is not there', async () => {
    await cluster.api.delete({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'istiod-tls', namespace: NAMESPACE },
    });
    const { findings } = await diagnosed();
    await apply(await installation.objects());
    assert.deepEqual(
      findings.map(({ check }) => check),
      ['istiod-tls-absent'],
    );
  });

  it('finds that nobody made the ConfigMap of the trust anchors, and what it cannot see for that', async () => {
    await cluster.api.delete({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'capstan-anchors', namespace: NAMESPACE },
    });
    const { findings, notSeen, code } = await diagnosed();
    await apply(await installation.objects());
    assert.deepEqual(
      findings.map(({ check, subject }) => [check, subject]),
      [['mounted-config-map', 'ConfigMap istio-system/capstan-anchors']],
    );
    assert.equal(code, 1);
    assert.match(notSeen[0]?.why ?? '', /trust anchors/);
  });

  it('finds a ztunnel that runs as an account that is not trusted', async () => {
    const [ztunnel] = installation.istio({ ztunnelNamespace: 'kube-system' }).slice(-1);
    const { findings } = await withExtra([ztunnel!]);
    assert.deepEqual(
      findings.map(({ check }) => check),
      ['ztunnel-account'],
    );
    assert.match(findings[0]!.message, /kube-system\/ztunnel/);
  });

  it('finds a NetworkPolicy that closes the port', async () => {
    const { findings } = await withExtra([
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'default-deny', namespace: NAMESPACE },
        spec: { podSelector: {}, policyTypes: ['Ingress'] },
      },
    ]);
    assert.deepEqual(
      findings.map(({ check, subject }) => [check, subject]),
      [['unreachable', 'NetworkPolicy istio-system/default-deny']],
    );
  });

  it('finds a port at which nobody listens', async () => {
    const { findings } = await diagnosed(`127.0.0.1:${await freePort()}`);
    assert.deepEqual(
      findings.map(({ check }) => check),
      ['unreachable'],
    );
    assert.match(findings[0]!.message, /nobody listens there/);
  });

  it("finds nothing in what Istio's own charts make of istio-config, and what is missing without those values", async function () {
    peerOrSkip(this, istioCharts(), "Helm and Istio's source");
    const read = ({ kind }: ClusterObject): boolean => ['Deployment', 'DaemonSet', 'ConfigMap'].includes(kind);
    const made = (...files: readonly string[]): readonly ClusterObject[] =>
      [...renderIstio('istiod', ...files), ...renderIstio('ztunnel', ...(files.length > 0 ? ['ambient'] : []))].filter(
        read,
      );
    try {
      // Selectors cannot be changed.
      for (const object of installation.istio()) await cluster.api.delete(object);
      await apply(made('sidecars'));
      assert.deepEqual((await diagnosed()).findings, []);
      await apply(made());
      const { findings } = await diagnosed();
      assert.deepEqual(
        findings.map(({ check }) => check),
        ['ca-address', 'ztunnel-ca-address', 'istiod-ca-server'],
      );
    } finally {
      for (const object of made('sidecars')) await cluster.api.delete(object);
      await apply(await installation.objects());
    }
  });

  it('says that it may not look, and ends as a check that could not run', async () => {
    const { terminal, out } = recordTerminal();
    await apply(installation.rights());
    const kubeconfig = await accountOf('capstan');
    const config = ['--server', `127.0.0.1:${capstan.tlsPort}`, '--output', 'json'];
    const code = await runCli(['doctor', '--kubeconfig', kubeconfig, ...config], {
      ...{ terminal, environment: {} },
      signal: AbortSignal.timeout(30_000),
    });
    assert.equal(code, 2, 'its own role reads no StatefulSet, so no configuration is found');
    assert.match(out(), /^\{|^$/);
  });

  async function accountOf(serviceAccount: string): Promise<string> {
    await apply([
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: serviceAccount, namespace: NAMESPACE } },
    ]);
    return cluster.accountKubeconfig(NAMESPACE, serviceAccount);
  }

  it('writes a support bundle with all that it saw and nothing that must stay secret', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-support-'));
    const file = path.join(folder, 'support.json');
    const config = { telemetry: { traces: { endpoint: 'https://collector.example/v1/traces?key=SEEDED-CREDENTIAL' } } };
    await apply([
      ...installation.capstan({ config }),
      ...installation.istio({ istiodEnv: { ENABLE_CA_SERVER: 'false', SOME_PASSWORD: 'SEEDED-PASSWORD' } }),
    ]);
    const { code } = await run(
      '--server',
      `127.0.0.1:${capstan.tlsPort}`,
      '--observation',
      capstan.observation,
      '--support-bundle',
      file,
    );
    const text = readFileSync(file, 'utf8');
    const { mode } = statSync(file);
    rmSync(folder, { recursive: true });
    await apply(await installation.objects());
    assert.equal(code, 0);
    assert.equal(mode & 0o777, 0o600);
    for (const secret of ['PRIVATE KEY', 'SEEDED-CREDENTIAL', 'SEEDED-PASSWORD', 'BEGIN CERTIFICATE']) {
      assert.ok(!text.includes(secret), secret);
    }
    const bundle = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual(Object.keys(bundle), [
      'made',
      'versions',
      'findings',
      'notSeen',
      'configuration',
      'facts',
      'pods',
      'server',
    ]);
    assert.match(text, /capstan_decisions_total/);
    assert.match(text, /"gitVersion": "v1\.37/);
  });

  it('has been shown each of its checks here or over facts alone', () => {
    const shown = new Set([
      ...seeds.map(([check]) => check),
      ...['unnamed-namespace', 'root-config-map-writers', 'crl-config-map', 'istiod-tls-absent', 'ztunnel-account'],
    ]);
    const onlyOverFacts = CHECKS.map(({ id }) => id).filter((id) => !shown.has(id));
    // What a test cannot make: another clock, a server that says it is unwell, an intermediate that ends while it serves.
    assert.deepEqual(onlyOverFacts.sort(), ['clock-skew', 'health', 'issuer-end']);
  });
});
