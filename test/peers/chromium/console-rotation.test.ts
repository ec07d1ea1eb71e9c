// What a person sees in the console while something happens: a rotation of the trust anchor that goes on, a refusal that has just been,
// the decisions of an hour, a journal that is taken away.
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Overview } from '../../../src/adapters/http/admin/administer-overview.ts';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { AnchorDrill } from '../../app/support/anchor-drill.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const LIVE = { timeout: 60_000 };
const STEPS = 360;

describe('The console while something happens', function () {
  this.timeout(240_000);
  const started = new AsyncDisposableStack();
  let drill: AnchorDrill;
  let server: RunningServer;
  let watched: WatchedPage;
  let page: Page;
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    const browser: Browser = await openChromium(found);
    started.defer(async () => browser.close());
    drill = started.use(await AnchorDrill.create());
    const settings = {
      ...drill.settingsIn('issuer'),
      'listen.console.address': '127.0.0.1:0',
      'listen.console.oneTimeLink': true,
    };
    server = started.use(await RunningServer.start({ files: drill.files, settings }));
    for (const name of ['web', 'demo']) await drill.ask(server.tlsPort, name);
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    page = watched.page;
    await page.goto(server.report.consoleUrl!);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  const open = async (path: string): Promise<unknown> => page.goto(new URL(path, page.url()).href);

  it('shows a rotation as soon as it was started, its gate and who is behind', async () => {
    await open('/rotation');
    await page.getByText('No rotation of trust anchors was started.').waitFor();
    await drill.start();
    await page.getByText('In the way of advance').waitFor(LIVE);
    assert.equal(await page.locator('[aria-current="step"]').innerText(), 'publish');
    await page.getByText('spiffe://cluster.local/ns/default/sa/demo').first().waitFor(LIVE);
    await demandAccessible(page);
    await keepScreenshot(page, 'rotation');
  });

  it('shows who did what, and why', async () => {
    await open('/audit');
    await page.getByText('local (security)').first().waitFor();
    await page.getByText('it ends').first().waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'operations');
  });

  it('shows a refusal without being asked again', async () => {
    await open('/refusals');
    await page.getByText('Nothing was refused in that time.').waitFor();
    await server.ask('shop', 'api');
    await page.getByText('spiffe://cluster.local/ns/shop/sa/api').first().waitFor(LIVE);
  });

  it('draws the decisions of an hour', async () => {
    await page.route('**/api/overview', async (route) => {
      const answer = (await (await route.fetch()).json()) as Overview;
      const steps = Array.from({ length: STEPS }, (_, at) => at);
      const lately = {
        stepMs: 10_000,
        endsMs: steps.map((at) => answer.asOfMs - (STEPS - at) * 10_000),
        issued: steps.map((at) => Math.round(400 + 180 * Math.sin(at / 40))),
        refused: steps.map((at) => (at > 250 && at < 280 ? 90 : 2)),
      };
      await route.fulfill({ json: { ...answer, lately } });
    });
    await open('/');
    await page.locator('section', { hasText: 'Decisions of the past hour' }).locator('.chart canvas').waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'overview-hour');
    await page.unroute('**/api/overview');
  });

  it('says what it cannot know while the journal is away, and shows the rest', async () => {
    await open('/refusals');
    await page.getByText('spiffe://cluster.local/ns/shop/sa/api').first().waitFor();
    const journal = drill.files.path('journal.db');
    renameSync(journal, `${journal}.away`);
    try {
      await open('/');
      await page.getByText('Not as it should be').waitFor(LIVE);
      await page.getByText('journal', { exact: true }).first().waitFor(LIVE);
      await demandAccessible(page);
      await keepScreenshot(page, 'journal-away');
    } finally {
      renameSync(`${journal}.away`, journal);
    }
  });
});
