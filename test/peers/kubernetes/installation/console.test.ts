// The console as the chart installs it: what it renders for one, and whether who follows the notes of an installation gets in.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { demandBuiltConsole } from '../../../app/operating/console/support/built-console.ts';
import { Visitor, type VisitorSettings } from '../../../app/operating/console/support/visitor.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { freePort } from '../../../support/eventually.ts';
import { signInAs } from '../../chromium/support/at-provider.ts';
import { findChromium, openChromium } from '../../chromium/support/chromium.ts';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../../chromium/support/test-provider.ts';
import { findPrograms } from '../../programs/programs.ts';
import { createRoot, issueLeaf, type TestAuthority } from '../../support/pki.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { consoleValues, mergedValues, renderChart, renderNotes, type Rendered, type Values } from '../support/chart.ts';
import { ChartPod, type GivenObjects } from './support/chart-pod.ts';
import type { ClusterObject } from '../support/cluster-api.ts';

const { offered: OFFERED, within: WITHIN } = consoleValues();
const NAME = 'ca.corp.example';

/** Objects of one kind, as JSON: what is asserted of them are pieces. */
function jsonOf({ objects }: Rendered, kind: string, name = 'capstan'): string {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  return found === undefined ? '' : JSON.stringify(found);
}

const specOf = (object: ClusterObject | undefined): Readonly<Record<string, unknown>> =>
  (object?.['spec'] ?? {}) as Readonly<Record<string, unknown>>;

function consoleRules({ objects }: Rendered): readonly unknown[] {
  const { ingress } = specOf(objects.find(({ kind }) => kind === 'NetworkPolicy')) as {
    readonly ingress: readonly { readonly ports: readonly { readonly port: unknown }[] }[];
  };
  return ingress.filter(({ ports }) => ports.some(({ port }) => port === 'console'));
}

describe('The chart, of a console,', function () {
  this.timeout(60_000);
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });

  it('has none until it is asked for', () => {
    assert.doesNotMatch(renderChart().text, /console/);
    assert.doesNotMatch(renderNotes({}), /console/);
  });

  it('makes a Service of its own, which leads to the port of the pod that its configuration names', () => {
    const rendered = renderChart(OFFERED);
    const service = specOf(rendered.objects.find(({ metadata }) => metadata.name === 'capstan-console'));
    assert.deepEqual(service, {
      type: 'ClusterIP',
      publishNotReadyAddresses: true,
      selector: {
        'app.kubernetes.io/name': 'capstan',
        'app.kubernetes.io/instance': 'capstan',
        'statefulset.kubernetes.io/pod-name': 'capstan-0',
      },
      ports: [{ name: 'https-console', port: 443, targetPort: 'console', protocol: 'TCP' }],
    });
    assert.match(jsonOf(rendered, 'StatefulSet'), /"name":"console","containerPort":15019/);
    assert.doesNotMatch(jsonOf(rendered, 'Service'), /console/);
  });

  it('has attempts to sign in come with their address, where it is exposed', () => {
    const { objects } = renderChart(mergedValues(OFFERED, { console: { service: { type: 'LoadBalancer' } } }));
    const { type, externalTrafficPolicy } = specOf(objects.find(({ metadata }) => metadata.name === 'capstan-console'));
    assert.deepEqual([type, externalTrafficPolicy], ['LoadBalancer', 'Local']);
  });

  it('lets in the peers that its values name, and nobody else', () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } }];
    assert.deepEqual(consoleRules(renderChart(OFFERED)), [{ from, ports: [{ port: 'console', protocol: 'TCP' }] }]);
    assert.deepEqual(consoleRules(renderChart({ ...OFFERED, networkPolicy: {} })), []);
    assert.deepEqual(consoleRules(renderChart({ networkPolicy: { consoleFrom: from } })), []);
  });

  it('leaves the probes as they are', () => {
    const probes = (rendered: Rendered): unknown =>
      jsonOf(rendered, 'StatefulSet').match(/"(startup|readiness|liveness)Probe":\{.*?\}/g);
    assert.deepEqual(probes(renderChart(OFFERED)), probes(renderChart()));
  });

  it('makes neither Service nor rule where it stays in its pod', () => {
    const rendered = renderChart(WITHIN);
    assert.equal(jsonOf(rendered, 'Service', 'capstan-console'), '');
    assert.deepEqual(consoleRules(rendered), []);
    assert.match(renderNotes(WITHIN), /port-forward pod\/capstan-0 15019:15019/);
  });

  it('lets the pod start without the secret of the provider, which is read when somebody signs in', () => {
    assert.match(
      jsonOf(renderChart(OFFERED), 'StatefulSet'),
      /"secretName":"capstan-console-oidc","defaultMode":288,"optional":true/,
    );
  });

  it('keeps what values say of its files', () => {
    const own = { chainFile: '/own/chain.pem', keyFile: '/own/key.pem' };
    const { objects } = renderChart(mergedValues(OFFERED, { config: { listen: { console: own } } }));
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'capstan')!;
    const { 'capstan.yaml': text = '' } = map['data'] as Readonly<Record<string, string>>;
    const loaded = loadConfig({ text: { text, place: 'capstan.yaml' } });
    assert.ok(!('problems' in loaded));
    const { chainFile, keyFile } = loaded.config.listen.console;
    assert.deepEqual({ chainFile, keyFile }, own);
  });

  const without = (values: Values): Values => ({ ...OFFERED, config: { listen: { console: values } } });
  const oidc = { issuer: 'https://login.corp.example', clientId: 'capstan', roles: { viewer: ['mesh-viewers'] } };
  const url = `https://${NAME}`;
  const people = { clientCaFile: '/etc/capstan/people/ca.pem', roles: { viewer: ['CN:vera'] } };
  for (const [what, values, why] of [
    ['without a way to sign in', without({ url }), /needs a way to sign in/],
    ['with a provider that could lead nobody back', without({ oidc }), /needs .*console\.url/],
    ['with a provider that does not know it', without({ url, oidc: { ...oidc, clientId: '' } }), /needs .*clientId/],
    ['that lets nobody in', without({ url, oidc: { ...oidc, roles: {} } }), /lets nobody in/],
    [
      'that would let in by certificates, of which it knows no authority',
      mergedValues(without({ url, oidc: { ...oidc, roles: {} } }), {
        config: { listen: { administration: { roles: people.roles } } },
      }),
      /lets nobody in/,
    ],
    [
      'whose certificate has another name',
      { ...OFFERED, console: { enabled: true, oidcSecret: 'secret' } },
      /has no name ca\.corp\.example/,
    ],
    [
      'whose address is there without it',
      { config: { listen: { console: { address: '0.0.0.0:15019' } } } },
      /needs console\.enabled/,
    ],
    [
      'that is offered by its values, and kept in its pod by its address',
      mergedValues(OFFERED, { config: { listen: { console: { address: '127.0.0.1:15019' } } } }),
      /keeps in its pod/,
    ],
    [
      'that is exposed by its Service, and kept in its pod by its address',
      mergedValues(WITHIN, { console: { service: { type: 'LoadBalancer' } } }),
      /keeps in its pod/,
    ],
    ['at a port that is none', mergedValues(OFFERED, { console: { service: { port: 0 } } }), /port/],
  ] as const) {
    it(`refuses one ${what}, before anything is changed`, () => {
      assert.throws(() => renderChart(values), why);
    });
  }
});

describe('A server with the configuration that the chart renders', function () {
  this.timeout(120_000);
  let web: TestAuthority;
  let people: TestAuthority;
  let files: ServerFiles;
  let ended: AsyncDisposableStack;
  before(async function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
    demandBuiltConsole();
    web = await createRoot('Authorities of the Web');
    people = await createRoot('People of the Corporation');
  });
  beforeEach(async () => {
    ended = new AsyncDisposableStack();
    files = ended.use(await ServerFiles.create());
  });
  afterEach(async () => ended.disposeAsync());

  /** Installs, and does what the notes say. @returns where the console is by them. */
  async function followed(values: Values, given: GivenObjects): Promise<string> {
    const pod = await ChartPod.installed(values, files, given);
    await demandChecked(pod.configFile);
    await pod.start(ended);
    const [, to = '', local, port] = /port-forward (\S+) (\d+):(\d+)/.exec(pod.notes) ?? [];
    await pod.forward(to, Number(local), Number(port), ended);
    return /Its console, .*: (https:\S+)\//.exec(pod.notes)![1]!;
  }

  /** With the hosts file of the notes. */
  const visitorOf = (base: string, settings: VisitorSettings): Visitor => {
    const agent = new Agent({ lookup: (_host, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) });
    ended.defer(() => agent.destroy());
    return new Visitor(base, { agent, ...settings });
  };

  it('lets in who has a client certificate, by the certificate of the CA itself, where it stays in its pod', async () => {
    const port = await freePort();
    const listen = {
      console: { url: `https://localhost:${port}` },
      administration: { roles: { viewer: ['URI:spiffe://corp.example/ops/victor'] } },
    };
    const values = mergedValues(WITHIN, { config: { listen } });
    const base = await followed(values, { 'capstan-people': { 'people-ca.pem': people.certificatePem } });
    assert.equal(base, `https://localhost:${port}`);
    const { chainPem: cert, keyPem: key } = await issueLeaf(people, { uri: 'spiffe://corp.example/ops/victor' });
    const visitor = visitorOf(base, { ca: files.pki.root.certificatePem, shown: { cert, key } });
    assert.equal((await visitor.post('/login/certificate', {})).status, 200);
    assert.equal((await visitor.get('/api/overview')).status, 200);
  });

  it('lets in who is of a group at the provider, under its own name and no other', async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    const base = `https://${NAME}:${await freePort()}`;
    const provider = ended.use(await TestProvider.start({ vera: ['mesh-viewers'] }, `${base}/login/oidc/callback`));
    const oidc = { issuer: provider.issuer, clientId: CLIENT_ID, caFile: '/etc/capstan/console-oidc/ca.crt' };
    const values = mergedValues(OFFERED, { config: { listen: { console: { url: base, oidc } } } });
    const shown = await issueLeaf(web, { dns: NAME });
    const given = {
      'capstan-console-tls': { 'tls.crt': shown.chainPem, 'tls.key': shown.keyPem },
      'capstan-console-oidc': { 'client-secret': CLIENT_SECRET, 'ca.crt': provider.caPem },
    };
    assert.equal(await followed(values, given), base);
    assert.match(renderNotes(values), new RegExp(`At ${provider.issuer} register ${base}/login/oidc/callback`));
    const ways = { status: 401, body: { ways: ['oidc'] } };
    assert.deepEqual(await visitorOf(base, { ca: web.certificatePem }).get('/api/session'), ways);
    const browser = await openChromium(found, [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`]);
    ended.defer(async () => browser.close());
    // That its certificate is the one of this name was seen above, by who knows its root.
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const elsewhere = await page.goto(base.replace(NAME, 'localhost'));
    assert.equal(elsewhere?.status(), 421);
    await page.goto(base);
    await signInAs(page, 'vera');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  });
});

async function demandChecked(configFile: string): Promise<void> {
  const { terminal, out, error } = recordTerminal();
  const settings = { terminal, environment: {}, clock: new SystemClock(), signal: new AbortController().signal };
  assert.equal(await runCli(['config', 'check', '--config', configFile], settings), 0, out() + error());
}
