// What a person sees in the console of CAs that should not be there.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { tiersAt } from '../../support/paths/tiers.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const LIVE = { timeout: 60_000 };

describe('The console, of CAs that should not be there', function () {
  this.timeout(120_000);
  const tier = tiersAt(Date.now());
  const started = new AsyncDisposableStack();
  let browser: Browser;
  let files: ServerFiles;
  let watched: WatchedPage;
  let page: Page;
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    browser = await openChromium(found);
    started.defer(async () => browser.close());
    files = started.use(await ServerFiles.create());
    mkdirSync(files.path('estate/old'), { recursive: true });
    const shadow = await tier('Shadow Mesh');
    const below = await tier('Below', { by: await tier('Lost Root') });
    const hostile = await tier('hostile', { subject: `CN=\u202e<script>alert(1)</script>${'x'.repeat(2_000)}` });
    files.write('estate/ca-cert.pem', shadow.pem);
    files.write('estate/ca-key.pem', shadow.keyPem);
    files.write('estate/issuing.pem', below.pem);
    files.write('estate/old/root.pem', (await tier('Tutorial Root', { startsInDays: -9, endsInDays: -1 })).pem);
    files.write('estate/\u202egnp.exe', hostile.pem);
    writeFileSync(files.path('estate/store.p12'), Buffer.from('3082010002010330', 'hex'));
    page = await opened({ 'rogue.paths': [files.path('estate')] });
    await page.getByRole('link', { name: 'Rogue CAs', exact: true }).click();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  async function opened(settings: Readonly<Record<string, unknown>>): Promise<Page> {
    const console = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
    const server = started.use(await RunningServer.start({ files, settings: { ...console, ...settings } }));
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    await watched.page.goto(server.report.consoleUrl!);
    return watched.page;
  }

  const row = (name: RegExp) => page.getByRole('row', { name });

  it('shows each with where it lies, whether its key does, and how it comes home', async () => {
    await row(/CN=Shadow Mesh self-signed CA valid beside it .*estate\/ca-cert\.pem/).waitFor(LIVE);
    await row(/CN=Below CA under no corporate anchor valid not found/).waitFor();
    await row(/CN=Tutorial Root self-signed CA expired/).waitFor();
    await page
      .getByText(/it is a root of its own: whoever has its key makes any identity/)
      .first()
      .waitFor();
    assert.ok((await page.getByText('Bring home:').count()) >= 3);
    await row(/is PKCS#12, which is not opened/).waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'rogues');
  });

  it('spells out what others hid in their names', async () => {
    const text = await page.locator('main').innerText();
    assert.match(text, /CN=\\u\{202e\}\\<script/);
    assert.doesNotMatch(text, /\u202e/);
    assert.ok(!text.includes('x'.repeat(600)));
  });

  it('is narrowed by what stands in the address', async () => {
    await page.getByRole('combobox').selectOption('CA under no corporate anchor');
    await row(/CN=Below/).waitFor();
    assert.equal(await row(/CN=Shadow Mesh/).count(), 0);
    assert.match(page.url(), /kind=CA\+under/);
    await page.getByRole('combobox').selectOption('all');
    await page.getByLabel('Name or place').fill('old/root');
    await page.getByLabel('Name or place').press('Enter');
    await row(/CN=Tutorial Root/).waitFor();
    assert.equal(await row(/CN=Below/).count(), 0);
    await page.reload();
    await row(/CN=Tutorial Root/).waitFor(LIVE);
    assert.equal(await row(/CN=Below/).count(), 0);
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
  });

  it('says how to have the server look where it does not', async () => {
    watched.demandClean();
    const other = await ServerFiles.create();
    started.use(other);
    files = other;
    page = await opened({});
    await page.getByRole('link', { name: 'Rogue CAs', exact: true }).click();
    await page.getByText('This server does not look for them.').waitFor(LIVE);
    await demandAccessible(page);
  });
});
