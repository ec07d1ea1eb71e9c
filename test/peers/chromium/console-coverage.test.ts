// Which pods of a real API server have no identity, as the console shows it in a real browser.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Browser, Page } from 'playwright-core';
import type { CoverageAnswer } from '../../../src/authority/inventory/coverage-overview.ts';
import type { ExplainedRow } from '../../../src/review/explain/pod-refusals.ts';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { AttestedServer, namespaceNamed, podNamed, podWithToken } from '../kubernetes/support/attested-server.ts';
import { ChartAccount } from '../kubernetes/support/chart-account.ts';
import { KubernetesCluster } from '../kubernetes/support/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const CONSOLE = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
const INJECTED = { metadata: { annotations: { 'sidecar.istio.io/status': '{}' } } };

describe('The coverage in the console', function () {
  this.timeout(180_000);
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  const started = new AsyncDisposableStack();
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    demandBuiltConsole();
    const cluster = started.use(await KubernetesCluster.start());
    const files = started.use(await AttestedServer.files(['bank']));
    const account = await ChartAccount.make(cluster);
    const capstan = started.use(await AttestedServer.startAs(account, files, CONSOLE));
    const pod = async (namespace: string, name: string, patch?: object): Promise<string> => {
      const { token } = await podWithToken(cluster, namespace, name);
      if (patch !== undefined) await cluster.api.patch(podNamed(namespace, name), patch);
      const runs = { status: { phase: 'Running', startTime: HOUR_AGO } };
      await cluster.api.patch(podNamed(namespace, name), runs, 'status');
      return token;
    };
    await pod('shop', 'older');
    await cluster.api.patch(namespaceNamed('shop'), { metadata: { labels: { 'istio-injection': 'enabled' } } });
    const denied = await pod('shop', 'api', INJECTED);
    await capstan.granted({ token: await pod('bank', 'vault', INJECTED) });
    await capstan.granted({ token: await pod('bank', 'cron') });
    await pod('bank', 'silent', INJECTED);
    await capstan.refused({ token: denied }, /^CAP-P01 /, status.PERMISSION_DENIED);
    browser = await openChromium(found);
    started.defer(async () => browser.close());
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, capstan.server.report.consoleUrl!);
    page = watched.page;
    await page.goto(capstan.server.report.consoleUrl!);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  const pods = () => page.getByRole('region', { name: 'Pods that are not covered' });
  const rowOf = (name: string) => pods().getByRole('row').filter({ hasText: name });

  async function open(search: string): Promise<void> {
    await page.goto(new URL(`/coverage${search}`, page.url()).href);
    await page.getByRole('heading', { name: 'Coverage', level: 1 }).waitFor();
  }

  it('names who should have an identity and has none, with the refusal and what else to look at, in light and dark', async () => {
    await page.getByRole('link', { name: 'Coverage', exact: true }).click();
    await rowOf('api').filter({ hasText: 'without identity' }).filter({ hasText: 'refused' }).waitFor();
    await page.getByText('The caller was told: CAP-P01').waitFor();
    await rowOf('silent').filter({ hasText: 'nothing was refused lately' }).waitFor();
    await rowOf('older').filter({ hasText: 'not joined' }).filter({ hasText: 'restart it' }).waitFor();
    await rowOf('cron').filter({ hasText: 'outside the mesh' }).waitFor();
    assert.equal(await rowOf('vault').count(), 0);
    await demandAccessible(page);
    await keepScreenshot(page, 'coverage');
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('is narrowed by namespace and state, with the choice in the address, and leads to an identity', async () => {
    await open('');
    await page.getByLabel('State').selectOption('the gap');
    await rowOf('cron').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).search, '?gap=true');
    await page.getByRole('link', { name: 'bank', exact: true }).click();
    await rowOf('older').waitFor({ state: 'detached' });
    await rowOf('silent').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('namespace'), 'bank');
    await page.getByLabel('State').selectOption('starting');
    await page.getByText('None of those that are looked for.').waitFor();
    await open('?state=outside');
    await rowOf('cron').getByRole('link').click();
    await page.getByRole('heading', { name: 'Identity', level: 1 }).waitFor();
  });

  it('is not asked for with what makes no sense: the server says what', async () => {
    for (const [search, problem] of [
      ['?state=lost', 'at state'],
      ['?cluster=north', 'not known here'],
    ] as const) {
      await open(search);
      await page.getByRole('alert').filter({ hasText: problem }).waitFor();
    }
  });

  it('says of which cluster nothing is known, that there is more, and shows hostile names for what they are', async () => {
    const hostile = '<img src=x onerror=alert(1)>\u202Egpj';
    await page.route('**/api/inventory/coverage*', async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as CoverageAnswer<ExplainedRow>;
      const clusters = [...answer.clusters, { cluster: 'west', unavailable: 'the pods are not read yet' }];
      const rows = answer.rows.map((row) => ({ ...row, podName: hostile, nodeName: 'x'.repeat(2_000) }));
      await route.fulfill({ response, json: { ...answer, clusters, rows, more: 7, moreNamespaces: 2 } });
    });
    await open('');
    await page.getByRole('alert').filter({ hasText: 'Nothing can be said of cluster west' }).waitFor();
    await page.getByText('7 more are not named').waitFor();
    await page.getByText('2 namespaces with smaller gaps are left out').waitFor();
    await pods().getByText('<img src=x onerror=alert(1)>').first().waitFor();
    await demandAccessible(page);
    await page.unroute('**/api/inventory/coverage*');
  });

  it('says what to configure where no API server is followed', async () => {
    await using alone = await RunningServer.start({ settings: CONSOLE });
    const context = await browser.newContext({ viewport: SIZE });
    const other = await context.newPage();
    await other.goto(alone.report.consoleUrl!);
    await other.getByRole('link', { name: 'Coverage', exact: true }).click();
    await other.getByRole('alert').filter({ hasText: 'no API server is followed' }).waitFor();
    await context.close();
  });
});
