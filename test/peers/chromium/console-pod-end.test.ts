// What becomes of a certificate, as the console and the command line show it: found by whatever is known of it, late before it ends,
// and closed by the end of its pod in a real cluster.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import type { InventoryAnswer } from '../../../src/adapters/http/admin/administer-inventory.ts';
import type { InventoryRow } from '../../../src/authority/inventory/inventory-overview.ts';
import { runCli } from '../../../src/cli/program.ts';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { AttestedServer, podNamed, podWithToken } from '../kubernetes/support/attested-server.ts';
import { ChartAccount } from '../kubernetes/support/chart-account.ts';
import { KubernetesCluster } from '../kubernetes/support/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const MINUTE_MS = 60_000;
const PODS = ['web', 'api'] as const;

describe('A certificate of a pod in the console', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let watched: WatchedPage;
  let page: Page;
  let cluster: KubernetesCluster;
  let offsetMs = 0;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
  const started = new AsyncDisposableStack();
  before(async function () {
    this.timeout(180_000);
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    demandBuiltConsole();
    const browser: Browser = await openChromium(found);
    started.defer(async () => browser.close());
    cluster = started.use(await KubernetesCluster.start());
    files = started.use(await AttestedServer.files(['shop']));
    const account = await ChartAccount.make(cluster, SETTINGS);
    const capstan = started.use(await AttestedServer.startAs(account, files, {}, clock));
    for (const name of PODS) {
      const { token } = await podWithToken(cluster, 'shop', name);
      await capstan.granted({ token });
    }
    const link = capstan.server.report.consoleUrl ?? assert.fail('there is no console');
    watched = await watchedPage(await browser.newContext({ viewport: SIZE, colorScheme: 'light' }), link);
    page = watched.page;
    await page.goto(link);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  const identity = (name: string): string => `spiffe://cluster.local/ns/shop/sa/${name}`;
  const rowOf = (name: string) => page.getByRole('row').filter({ hasText: identity(name) });

  async function open(target: string): Promise<void> {
    await page.goto(new URL(target, page.url()).href);
    await page.getByRole('heading', { level: 1 }).waitFor();
  }

  async function rowIn(of: string): Promise<InventoryRow> {
    const asked = `fetch('/api/inventory?identity=${of}').then((answer) => answer.json())`;
    const { rows } = await page.evaluate<InventoryAnswer>(asked);
    return rows[0] ?? assert.fail('it is not there');
  }

  /** @returns the identities that the command line finds. */
  async function listed(...argv: readonly string[]): Promise<readonly unknown[]> {
    const { terminal, out, error } = recordTerminal();
    const options = { terminal, environment: {}, clock, signal: AbortSignal.timeout(30_000) };
    const where = ['--data-dir', files.directory, '--output', 'json'];
    assert.equal(await runCli(['inventory', ...argv, ...where], options), 0, error());
    const { entries } = JSON.parse(out()) as { readonly entries: readonly Readonly<Record<string, unknown>>[] };
    return entries.map((entry) => entry['identity']);
  }

  it('is found by serial, identity, pod and node, on the page and from the command line', async () => {
    await open('/identities?namespace=shop');
    await rowOf('web').waitFor();
    const { serial, podName = '', nodeName = '' } = await rowIn(identity('web'));
    for (const [label, option, value, both] of [
      ['Serial', '--serial', serial, false],
      ['Identity', '--identity', identity('web'), false],
      ['Pod', '--pod', podName, false],
      ['Node', '--node', nodeName, true],
    ] as const) {
      await open('/identities?namespace=shop');
      await rowOf('api').waitFor();
      await page.getByRole('searchbox', { name: label, exact: true }).fill(value);
      await page.keyboard.press('Enter');
      // All pods of a cluster without a kubelet are on one node.
      await rowOf('api').waitFor({ state: both ? 'visible' : 'detached' });
      await rowOf('web').waitFor();
      const found = await listed(option, value);
      assert.deepEqual([found.includes(identity('web')), found.includes(identity('api'))], [true, both], option);
    }
  });

  it('is closed by the end of its pod, with why, in the list and in its history', async () => {
    await open(`/identity?identity=${identity('web')}`);
    await page.locator('dd').getByText('live').waitFor();
    await cluster.api.delete(podNamed('shop', 'web'));
    // The page that is open looks again by itself.
    await page.locator('dd').getByText('ended').waitFor();
    await page.locator('dd').getByText('pod_deleted').waitFor();
    const end = page.getByRole('row').filter({ hasText: 'pod_deleted' });
    await end.getByText('1 certificate valid then').waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'identity-ended');
    await open('/identities?namespace=shop&state=ended');
    await rowOf('web').filter({ hasText: 'ended' }).filter({ hasText: 'pod_deleted' }).waitFor();
    await demandAccessible(page);
    assert.deepEqual(await listed('--namespace', 'shop'), [identity('api')]);
    assert.deepEqual(await listed('--namespace', 'shop', '--state', 'ended'), [identity('web')]);
  });

  it('is named when its renewal is overdue, before it ends; what was closed is not', async () => {
    offsetMs = 46 * MINUTE_MS;
    await open('/identities?state=overdue&namespace=shop');
    await rowOf('api').filter({ hasText: 'overdue' }).waitFor();
    const { notAfterMs } = await rowIn(identity('api'));
    assert.ok(notAfterMs > clock.nowMs());
    assert.equal(await rowOf('web').count(), 0);
    assert.deepEqual(await listed('--overdue', '--namespace', 'shop'), [identity('api')]);
  });
});
