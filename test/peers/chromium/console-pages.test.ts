// The console in a real browser: from the link in the banner to each of its pages, by keyboard too, in light and dark.
import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const SOON = { withinMs: 30_000 };
const HOUR_MS = 3_600_000;
const PAGES = [
  { name: 'overview', link: 'Overview', shows: 'Every part works as it should.' },
  { name: 'refusals', link: 'Refusals', shows: 'To pass:' },
  { name: 'policies', link: 'Policies', shows: 'The bundle alone is in force.' },
  { name: 'issuers', link: 'Issuers', shows: 'active' },
  { name: 'trust-anchors', link: 'Trust anchors', shows: 'No rotation of trust anchors was started.' },
  { name: 'audit', link: 'Audit', shows: 'Nobody did anything that is on record.' },
] as const;

describe('The console in Chromium', function () {
  this.timeout(120_000);
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
    // The first page counts what ends, which is given again for a minute.
    await eventually('both certificates are in the inventory', async () => (await inventoried()) === 2, SOON);
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

  async function inventoried(): Promise<number> {
    const { terminal, out } = recordTerminal();
    const options = { terminal, environment: {}, signal: AbortSignal.timeout(30_000) };
    const argv = ['inventory', '--output', 'json', '--data-dir', server.files.directory];
    if ((await runCli(argv, options)) !== 0) return 0;
    return (JSON.parse(out()) as { readonly entries: readonly object[] }).entries.length;
  }

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

  it('shows how many certificates end in which hour and day, with the ends of issuers and anchors, drawn and in numbers', async () => {
    await page.goto(new URL('/', page.url()).href);
    await page.getByText(/^\d+ certificates? ends? within 24 hours/).waitFor();
    await page.locator('.chart canvas').last().waitFor();
    await page.getByText('The same in numbers').click();
    const numbers = page.getByRole('region', { name: 'Ends within 24 hours' });
    // That of the workload and the server's own; the issuer and the anchor of the tests end in years.
    const counts = await numbers.locator('td.number').allInnerTexts();
    const total = counts.map(Number).reduce((sum, count) => sum + count, 0);
    assert.equal(total, 2);
    const later = numbers.getByRole('row').filter({ hasText: 'later than' });
    await later.filter({ hasText: 'issuer default' }).filter({ hasText: 'trust anchor' }).waitFor();
    await demandAccessible(page);
    await page.getByLabel('Ahead').selectOption('30 days');
    await page.getByText(/ within 30 days from/).waitFor();
    assert.equal(new URL(page.url()).search, '?horizon=30d');
    await showBusyDay();
  });

  /** Of numbers that are made up, with an issuer that ends before the day does. */
  async function showBusyDay(): Promise<void> {
    const fromMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const hours = Array.from({ length: 24 }, (_, hour) => Math.round(60_000 * Math.exp(-(((hour - 9) / 5) ** 2))));
    const issuers = [{ name: 'edge', id: 'e'.repeat(16), state: 'active', notAfterMs: fromMs + 7.5 * HOUR_MS }];
    await page.route('**/api/inventory/ends', (route) =>
      route.fulfill({ json: { nowMs: fromMs, fromMs, hours, days: [540_000], later: 1_200 } }),
    );
    await page.route('**/api/issuers', (route) => route.fulfill({ json: { issuers } }));
    await page.goto(new URL('/', page.url()).href);
    const { width } = SIZE;
    await page.setViewportSize({ width, height: 1_100 });
    await page.getByText('The same in numbers').click();
    const numbers = page.getByRole('region', { name: 'Ends within 24 hours' });
    await numbers.getByRole('row').filter({ hasText: 'issuer edge' }).waitFor();
    await keepScreenshot(page, 'horizon');
    await page.setViewportSize(SIZE);
    await page.unroute('**/api/inventory/ends');
    await page.unroute('**/api/issuers');
  }

  it('asks for certificates that end no more often than the server counts them, however often it looks', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const times = (path: string): number => asked.filter((one) => one === path).length;
    await page.goto(new URL('/', page.url()).href);
    await page.getByText(/ within 24 hours from/).waitFor();
    for (let looks = 0; looks < 3; looks += 1) {
      const looked = page.waitForResponse('**/api/overview');
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await looked;
    }
    assert.ok(times('/api/overview') > 3, asked.join(' '));
    assert.equal(times('/api/inventory/ends'), 1, asked.join(' '));
  });

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

  it('tells times by the server’s clock, on a machine whose own is an hour off', async () => {
    const tab = await context.newPage();
    await tab.clock.setSystemTime(Date.now() + HOUR_MS);
    await tab.goto(new URL('/', page.url()).href);
    // Of an hour, less up to a twentieth by lot; by the clock of the machine it would be over.
    await tab
      .getByText(/in (60|5\d) minutes/)
      .first()
      .waitFor();
    const said = await tab
      .getByText(/^As of \d{4}-/)
      .first()
      .innerText();
    const atMs = Date.parse(said.replace('As of ', '').replace(' UTC', 'Z').replace(' ', 'T'));
    assert.ok(Math.abs(atMs - Date.now()) < 60_000, said);
    await tab.close();
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
