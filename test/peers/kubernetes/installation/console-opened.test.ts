// Whether who follows the notes of an installation gets into the console: the server has the configuration as it was rendered, and
// mounted what the rendered pod mounts.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../../src/cli/program.ts';
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
import { consoleValues, mergedValues, renderNotes, type Values } from '../support/chart.ts';
import { ChartPod, type GivenObjects } from './support/chart-pod.ts';

const { offered: OFFERED, within: WITHIN } = consoleValues();
const NAME = 'ca.corp.example';

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
