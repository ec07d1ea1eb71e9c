// Tables as long as the server's answers can be, in numbers that the test makes up: what stands there is bounded, all of it can be reached,
// and who goes through a table with the keyboard keeps the place while rows come and go.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const COUNTS = { covered: 1, starting: 0, without: 1, not_joined: 0, outside: 0, gone: 0 };
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

describe('Long tables in the console', function () {
  this.timeout(60_000);
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  const started = new AsyncDisposableStack();
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    const server = started.use(await RunningServer.start({ settings: SETTINGS }));
    browser = await openChromium(found);
    started.defer(async () => browser.close());
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    page = watched.page;
    await page.goto(server.report.consoleUrl!);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  async function open(address: string): Promise<void> {
    await page.goto(new URL(address, page.url()).href);
  }

  const rowsIn = (caption: string) => page.getByRole('region', { name: caption }).locator('tbody tr');

  it('have their first 200 rows there and the others when somebody asks, whatever the server sends', async () => {
    const nowMs = Date.now();
    const namespaces = numbers(500).map((at) => ({ cluster: 'east', namespace: `team-${at}`, counts: COUNTS }));
    const pods = { cluster: 'east', namespace: 'team-0', state: 'without', nodeName: 'node-1', sinceMs: nowMs };
    const asked: string[] = [];
    await page.route('**/api/inventory/coverage*', async (route) => {
      const search = new URL(route.request().url()).searchParams;
      asked.push(search.get('limit') ?? '');
      const rows = numbers(Number(search.get('limit'))).map((at) => ({
        ...pods,
        podName: `p-${at}`,
        podUid: `u-${at}`,
      }));
      const counted = { clusters: [{ cluster: 'east' }], total: COUNTS, namespaces, moreNamespaces: 0 };
      await route.fulfill({ json: { nowMs, asOfMs: nowMs, ...counted, rows, more: 799 } });
    });
    await open('/coverage');
    await rowsIn('Namespaces').first().waitFor();
    assert.deepEqual(
      [await rowsIn('Pods that are not covered').count(), await rowsIn('Namespaces').count()],
      [200, 200],
    );
    assert.equal(asked[0], '200');
    await page.getByText('300 more are not shown.').waitFor();
    await demandAccessible(page);
    const more = page.getByRole('button', { name: 'Show more: Namespaces' });
    await more.press('Enter');
    assert.equal(await rowsIn('Namespaces').count(), 400);
    assert.equal(await page.locator(':focus').getAttribute('aria-label'), 'Show more: Namespaces');
    await more.press('Enter');
    await page.getByText('team-499', { exact: true }).waitFor();
    assert.equal(await more.count(), 0);
    assert.equal(await page.locator(':focus').getAttribute('aria-label'), 'Namespaces');
    await page.unroute('**/api/inventory/coverage*');
  });

  it('keep the place of who is in one with the keyboard, while rows come before it and go', async () => {
    const nowMs = Date.now();
    const row = (name: string) => ({
      identity: `spiffe://cluster.local/ns/default/sa/${name}`,
      cluster: 'east',
      podName: `${name}-0`,
      state: 'live',
      issuer: 'default',
      renewalMs: nowMs + 60_000,
      notAfterMs: nowMs + 120_000,
    });
    let names = ['b', 'd', 'e'];
    await page.route('**/api/inventory?*', (route) =>
      route.fulfill({ json: { nowMs, asOfMs: nowMs, rows: names.map(row) } }),
    );
    await open('/identities');
    const link = page.getByRole('link', { name: 'spiffe://cluster.local/ns/default/sa/d', exact: true });
    await link.focus();
    names = ['a', 'c', 'd', 'e', 'f'];
    await page.getByRole('link', { name: 'spiffe://cluster.local/ns/default/sa/a', exact: true }).waitFor();
    assert.equal(await page.locator(':focus').innerText(), await link.innerText());
    await page.unroute('**/api/inventory?*');
  });
});
