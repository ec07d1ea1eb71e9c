// Who has a certificate, as the console shows it in a real browser: found by whatever is known of it, page by page, and when it is late
// or has ended.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Browser, Page } from 'playwright-core';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import type { InventoryAnswer } from '../../../src/adapters/http/admin/administer-inventory.ts';
import type { ClosingReason } from '../../../src/ports/storage/closing-journal.ts';
import { closing } from '../../adapters/storage/sqlite/records.ts';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const MINUTE_MS = 60_000;
/** More than stand on one page. */
const MANY = 104;

describe('The identities in the console', function () {
  this.timeout(180_000);
  let browser: Browser;
  let server: RunningServer;
  let watched: WatchedPage;
  let page: Page;
  let offsetMs = 0;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
  const started = new AsyncDisposableStack();
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    browser = await openChromium(found);
    started.defer(async () => browser.close());
    server = started.use(await RunningServer.start({ settings: SETTINGS, clock }));
    const names = Array.from({ length: MANY }, (_, at) => `web-${String(at).padStart(3, '0')}`);
    for (const name of names) assert.equal((await server.ask('default', name)).code, status.OK);
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    page = watched.page;
    await page.goto(server.report.consoleUrl!);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  async function open(search: string): Promise<void> {
    await page.goto(new URL(`/identities${search}`, page.url()).href);
    await page.getByRole('heading', { name: 'Identities', level: 1 }).waitFor();
  }

  const identity = (name: string): string => `spiffe://cluster.local/ns/default/sa/${name}`;
  const rowOf = (name: string) => page.getByRole('row').filter({ hasText: identity(name) });
  const answer = async (query: string): Promise<InventoryAnswer> =>
    page.evaluate<InventoryAnswer>(`fetch('/api/inventory${query}').then((answer) => answer.json())`);

  it('are there a moment after their certificates, and axe finds nothing in light and dark', async () => {
    await page.getByRole('link', { name: 'Identities', exact: true }).click();
    await rowOf('web-000').waitFor();
    await page.getByText('With what was on record at').waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'identities');
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('go on behind the first hundred, with the place in the address, and from there back to the first', async () => {
    await open('?namespace=default');
    await page.getByRole('link', { name: 'Next page' }).click();
    await rowOf(`web-${MANY - 1}`).waitFor();
    assert.equal(await rowOf('web-000').count(), 0);
    assert.ok(new URL(page.url()).searchParams.has('cursor'));
    await page.reload();
    await rowOf(`web-${MANY - 1}`).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Next page' }).count(), 0);
    await page.getByRole('link', { name: 'First page' }).click();
    await rowOf('web-000').waitFor();
    assert.equal(new URL(page.url()).search, '?namespace=default');
  });

  it('are found by serial, identity, pod (its name or UID) and node, issuer, anchor, namespace, state and end', async () => {
    const [one] = (await answer(`?identity=${identity('web-007')}`)).rows;
    assert.ok(one);
    for (const [label, value] of [
      ['Serial', one.serial],
      ['Identity', one.identity],
      ['Pod', one.podName ?? assert.fail('it has no pod')],
      ['Pod', one.podUid ?? assert.fail('it has no pod')],
    ] as const) {
      await open('');
      await rowOf('web-000').waitFor();
      await page.getByRole('searchbox', { name: label, exact: true }).fill(value);
      await page.keyboard.press('Enter');
      await rowOf('web-000').waitFor({ state: 'detached' });
      await rowOf('web-007').waitFor();
      assert.equal(await page.getByRole('row').count(), 2, label);
    }
    const { issuerName = '', trustAnchor = '', nodeName = '' } = one;
    const place = `issuerName=${issuerName}&trustAnchor=${trustAnchor}&nodeName=${nodeName}`;
    await open(`?${place}&namespace=default&state=live&endsWithin=6h`);
    await rowOf('web-007').waitFor();
    await page.getByLabel('Ends within').selectOption('15m');
    await page.getByText('Nobody has such a certificate.').waitFor();
    await page.getByLabel('Ends within').selectOption('any');
    await rowOf('web-007').waitFor();
    await page.getByLabel('State').selectOption('renewing');
    await page.getByText('Nobody has such a certificate.').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('state'), 'renewing');
    // Who is revoked is looked for among all of them, and not on the first page alone.
    await page.getByLabel('State').selectOption('revoked');
    await page.getByText('Nobody has such a certificate.').waitFor();
  });

  it('have a page each: its certificate, the chain to the anchor, and what was decided about it and why', async () => {
    const [one] = (await answer(`?identity=${identity('web-003')}`)).rows;
    await open('?namespace=default');
    await rowOf('web-003').getByRole('link').click();
    await page.getByRole('heading', { name: 'Identity', level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'Pod web-003-0' }).waitFor();
    const chain = page.locator('.chain li');
    assert.match(await chain.first().innerText(), new RegExp(`certificate ${one!.serial} until`));
    assert.equal(await chain.last().innerText(), `trust anchor ${one!.trustAnchor!}`);
    assert.ok((await chain.count()) > 2);
    await page.getByText('Why, of decision').click();
    await page.getByText('asked for a certificate of class workload').waitFor();
    assert.equal(await page.locator('nav [aria-current]').innerText(), 'Identities');
    await demandAccessible(page);
    await keepScreenshot(page, 'identity');
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(new URL(`/identity?identity=${identity('nobody')}`, page.url()).href);
    await page.getByText('It has no certificate, and had none lately.').waitFor();
    await page.getByText('Nothing about it is on record.').waitFor();
    await page.goto(new URL('/identity', page.url()).href);
    await page.getByRole('alert').filter({ hasText: 'no identity is named' }).waitFor();
  });

  it('have in their history what was refused', async () => {
    assert.notEqual((await server.ask('shop', 'api')).code, status.OK);
    await page.goto(new URL('/identity?identity=spiffe://cluster.local/ns/shop/sa/api', page.url()).href);
    await page.getByRole('row').filter({ hasText: 'refused' }).filter({ hasText: 'CAP-P01' }).first().waitFor();
    await page.getByText('Why, of decision').click();
    await page.getByText('Refused because').waitFor();
    await demandAccessible(page);
  });

  it('are not asked for with what makes no sense: the server says what', async () => {
    for (const [search, at] of [
      ['?serial=xyz', 'serial'],
      ['?endsWithin=soon', 'endsBeforeMs'],
      ['?cursor=none', 'the cursor is of another question'],
    ] as const) {
      await open(search);
      await page.getByRole('alert').filter({ hasText: at }).waitFor();
    }
  });

  it('are named while they are late, before they end, and as ended when they have', async () => {
    offsetMs = 46 * MINUTE_MS;
    // The browser goes by the clock of the server, which Node knows nothing of.
    await page.route('**/api/inventory*', async (route) => {
      const response = await route.fetch();
      const date = new Date(Date.now() + offsetMs).toUTCString();
      await route.fulfill({ response, headers: { ...response.headers(), date } });
    });
    await open('?namespace=default');
    await page.getByLabel('State').selectOption('overdue');
    await rowOf('web-000').filter({ hasText: 'overdue' }).waitFor();
    const names = page.getByRole('region', { name: 'Who fails first' }).getByRole('link');
    await page.goto(new URL('/', page.url()).href);
    await names.first().waitFor();
    assert.match(await names.first().innerText(), /^spiffe:.*web-\d+$/);
    assert.equal(await names.count(), 5);
    await page
      .locator('dd')
      .getByRole('link', { name: String(MANY), exact: true })
      .waitFor();
    await demandAccessible(page);
    await page
      .locator('dd')
      .getByRole('link', { name: String(MANY), exact: true })
      .click();
    await page.getByRole('heading', { name: 'Identities', level: 1 }).waitFor();
    await rowOf('web-000')
      .filter({ hasText: 'overdue' })
      .or(page.getByRole('link', { name: 'Next page' }))
      .first()
      .waitFor();
    await page.getByText(/on record at .* \d+ seconds? before/).waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'identities-overdue');
    offsetMs = 61 * MINUTE_MS;
    await open(`?identity=${identity('web-000')}`);
    await rowOf('web-000').filter({ hasText: 'ended' }).waitFor();
    await rowOf('web-000').getByRole('link').click();
    await page.getByText('expired').waitFor();
    offsetMs = 0;
    await page.unroute('**/api/inventory*');
  });

  it('have hostile names as text: no script runs, no line is turned around or pushed off the page', async () => {
    const script = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    const [found] = (await answer(`?identity=${identity('web-001')}`)).rows;
    // The clock was set forward before, and the journal has seen its end; here it is as others are.
    const nowMs = Date.now();
    const [renewalMs, notAfterMs] = [nowMs + 30 * MINUTE_MS, nowMs + 60 * MINUTE_MS];
    const row = { ...found!, state: 'live', end: undefined, renewalMs, notAfterMs };
    const hostile = {
      ...row,
      identity: `spiffe://${'x'.repeat(2_000)}`,
      podName: 'api\u202Etxt.exe',
      nodeName: 'line\nbreak\u0007',
      cluster: script,
      issuerName: script,
      state: 'ended',
      notAfterMs: nowMs - MINUTE_MS,
      end: { reason: script, atMs: nowMs - 2 * MINUTE_MS },
    };
    const json = { nowMs, asOfMs: nowMs, rows: [row, hostile] };
    await page.route('**/api/inventory*', (route) => route.fulfill({ json }));
    await open('');
    await page.getByText('api\\u{202e}txt.exe').waitFor();
    await page.getByText('line\\u{a}break\\u{7}').waitFor();
    await page.getByText('(2009 characters)').waitFor();
    assert.equal(await page.title(), 'Identities – Capstan');
    assert.equal(await page.locator('main img, main script').count(), 0);
    const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    assert.equal(wide, false);
    await demandAccessible(page);
    await keepScreenshot(page, 'identities-hostile');
    const decided = { decisionId: script, timeMs: 0, outcome: 'refused', subject: 'x', api: 'csr', reason: script };
    const about = {
      podName: hostile.podName,
      issuer: script,
      message: script,
      explanation: [script, hostile.identity],
    };
    const chains = { [row.issuer]: [{ subject: script, sha256: 'a'.repeat(64), notAfterMs: 0 }] };
    const closings = [closing(script, { podName: hostile.podName, reason: script as ClosingReason })];
    const details = { ...json, chains, decisions: [{ ...decided, ...about }], closings };
    await page.route('**/api/inventory/identity*', (route) => route.fulfill({ json: details }));
    await page.goto(new URL(`/identity?identity=${encodeURIComponent(script)}`, page.url()).href);
    await page.getByText('Why, of decision').click();
    assert.equal(await page.title(), 'Identity – Capstan');
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.equal(await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth'), false);
    await demandAccessible(page);
    await page.unroute('**/api/inventory/identity*');
    await page.unroute('**/api/inventory*');
  });

  it('have the ends of their pods in their history, also of those that are in the inventory no more', async () => {
    const closings = [closing('uid-1', { reason: 'namespace_removed', liveCertificates: 2 })];
    const json = { nowMs: Date.now(), asOfMs: Date.now(), rows: [], chains: {}, decisions: [], closings };
    await page.route('**/api/inventory/identity*', (route) => route.fulfill({ json }));
    await page.goto(new URL(`/identity?identity=${identity('web-104')}`, page.url()).href);
    await page.getByText('It has no certificate, and had none lately.').waitFor();
    const end = page.getByRole('row').filter({ hasText: 'namespace_removed' });
    await end.getByText('2 certificates valid then').waitFor();
    await page.unroute('**/api/inventory/identity*');
  });

  it('are not known where nobody keeps them: the page has the words of the server', async () => {
    const error = 'CAP-O02 a server that records elsewhere keeps no inventory yet';
    await page.route('**/api/inventory*', (route) => route.fulfill({ status: 400, json: { error } }));
    await open('');
    await page.getByRole('alert').filter({ hasText: error }).waitFor();
    await page.unroute('**/api/inventory*');
  });
});
