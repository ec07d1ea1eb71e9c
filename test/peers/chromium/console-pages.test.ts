// The console in a real browser: from the link in the banner to each of its pages, by keyboard too, in light and dark.
import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const PAGES = [
  { name: 'overview', link: 'Overview', shows: 'Every part works as it should.' },
  { name: 'refusals', link: 'Refusals', shows: 'To pass:' },
  { name: 'policies', link: 'Policies', shows: 'The bundle alone is in force.' },
  { name: 'issuers', link: 'Issuers', shows: 'active' },
  { name: 'trust-anchors', link: 'Trust anchors', shows: 'No rotation of trust anchors was started.' },
  { name: 'audit', link: 'Audit', shows: 'Nobody did anything that is on record.' },
] as const;

describe('The console in Chromium', () => {
  let browser: Browser;
  let server: RunningServer;
  let context: BrowserContext;
  let watched: WatchedPage;
  let page: Page;
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    browser = await openChromium(found);
    server = await RunningServer.start({ settings: SETTINGS });
    await server.ask('default', 'demo');
    await server.ask('shop', 'api');
    context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    page = watched.page;
    await page.goto(server.report.consoleUrl!);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => {
    // Nothing was started where there is no browser.
    const started: { readonly browser?: Browser; readonly server?: RunningServer } = { browser, server };
    await started.browser?.close();
    await started.server?.[Symbol.asyncDispose]();
  });
  afterEach(() => watched.demandClean());

  it('is opened by the link in the banner, which stays in no history', () => {
    assert.equal(new URL(page.url()).hash, '');
  });

  for (const { name, link, shows } of PAGES) {
    it(`shows ${link}, and axe finds nothing in light and dark`, async () => {
      await page.getByRole('navigation').getByRole('link', { name: link, exact: true }).click();
      await page.getByRole('heading', { name: link, level: 1 }).waitFor();
      await page.getByText(shows).first().waitFor();
      await page
        .getByText(/^As of \d{4}-/)
        .first()
        .waitFor();
      await demandAccessible(page);
      // Of what operators did there is a better one, where somebody did something.
      if (name !== 'audit') await keepScreenshot(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      await demandAccessible(page);
      if (name === 'overview') await keepScreenshot(page, 'overview-dark');
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  it('shows one issuer, whose address can be sent to somebody', async () => {
    await page.getByRole('link', { name: 'Issuers', exact: true }).click();
    await page.getByRole('link', { name: 'default', exact: true }).click();
    await page.getByText('Chain, up to the trust anchor').waitFor();
    assert.equal(new URL(page.url()).search, '?issuer=default');
    await page.reload();
    await page.getByText('Chain, up to the trust anchor').waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'issuer');
    await page.goBack();
    await page.getByText('Chain, up to the trust anchor').waitFor({ state: 'detached' });
  });

  it('explains a refusal, and narrows them by what stands in the address', async () => {
    await page.goto(new URL('/refusals?namespace=shop', page.url()).href);
    await page.getByText('Why, of decision').click();
    await page.getByText('Refused because').waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'refusal');
    await page.getByLabel('Namespace').fill('nowhere');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing of it fits what is chosen.').waitFor();
    assert.equal(new URL(page.url()).search, '?namespace=nowhere');
    await page.goBack();
    await page.getByText('To pass:').first().waitFor();
  });

  it('shows hostile names as text: no script runs, no line is turned around or pushed off the page', async () => {
    const script = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    const hostile = [script, 'api\u202Etxt.exe', 'line\nbreak\u0007', `spiffe://${'x'.repeat(2_000)}`];
    const group = {
      reason: 'CAP-P01',
      namespace: hostile[1],
      rule: script,
      count: 1_000_000,
      firstMs: 0,
      lastMs: Date.now(),
      identities: { first: hostile, count: 9_000 },
      latest: { decisionId: 'x', message: script, explanation: hostile, toPass: hostile },
    };
    await page.route('**/api/refusals*', (route) =>
      route.fulfill({ json: { asOfMs: 0, sinceMs: 0, groups: [group], hidden: 3 } }),
    );
    await page.goto(new URL('/refusals', page.url()).href);
    await page.getByText('1,000,000').waitFor();
    assert.equal(await page.title(), 'Refusals – Capstan');
    assert.equal(await page.locator('main img, main script').count(), 0);
    await page.getByText('api\\u{202e}txt.exe').first().waitFor();
    await page.getByText('(2009 characters)').first().waitFor();
    const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    assert.equal(wide, false);
    await demandAccessible(page);
    await keepScreenshot(page, 'hostile-names');
    await page.unroute('**/api/refusals*');
  });

  it('is walked by keyboard: past the head, to a page, with the focus on it', async () => {
    await page.goto(new URL('/', page.url()).href);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate<string>('document.activeElement.textContent'), 'Skip to the page');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate<string>('document.activeElement.id'), 'main');
    assert.equal(new URL(page.url()).hash, '');
    await page.getByRole('link', { name: 'Issuers', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Issuers', level: 1 }).waitFor();
    assert.equal(await page.evaluate<string>('document.activeElement.id'), 'main');
  });

  it('says that it knows nothing newer when the server is gone', async () => {
    await page.goto(new URL('/issuers', page.url()).href);
    await page
      .getByText(/^As of \d{4}-/)
      .first()
      .waitFor();
    await page.route('**/api/**', (route) => route.abort());
    // Seen again, a page looks at once.
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await page.getByRole('alert').filter({ hasText: 'not renewed since: the server does not answer' }).waitFor();
    assert.ok(await page.getByText('active').first().isVisible());
    await page.unroute('**/api/**');
  });

  it('lets its person out, and then tells nothing', async () => {
    await page.goto(new URL('/', page.url()).href);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'signed-out');
    await page.goto(new URL('/issuers', page.url()).href);
    await page.getByText('Open the link that the server printed').waitFor();
  });

  it('is opened by a link that is put into the tab that asks for one', async () => {
    await using another = await RunningServer.start({ settings: SETTINGS });
    const link = another.report.consoleUrl!;
    const tab = await context.newPage();
    await tab.goto(new URL('/', link).href);
    await tab.getByText('Open the link that the server printed').waitFor();
    await tab.goto(link);
    await tab.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.equal(new URL(tab.url()).hash, '');
    await tab.close();
  });
});
