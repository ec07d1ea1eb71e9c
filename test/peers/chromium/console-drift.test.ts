// What a person sees in the console when a policy in force is not what Git has.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { Browser, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { checkedOut, checkOut } from '../../app/policy/drift/checkout.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const COMMIT = '7d3f0c1e5b9a4826d0e17f3c5a8b92e4610d7fac';
const LIVE = { timeout: 60_000 };

const policy = (name: string, spec: object): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name, namespace: 'shop' },
    spec: { contact: '#team-shop', ...spec },
  });

describe('The console while policies drift from Git', function () {
  this.timeout(120_000);
  const started = new AsyncDisposableStack();
  let files: ServerFiles;
  let server: RunningServer;
  let watched: WatchedPage;
  let page: Page;
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    const browser: Browser = await openChromium(found);
    started.defer(async () => browser.close());
    files = started.use(await ServerFiles.create());
    files.setPolicy([{ namespaces: ['shop'] }]);
    mkdirSync(files.path('policies/shop'));
    files.setLocal('shop/api.yaml', policy('api', { narrow: { ttl: { max: '30m' }, keys: ['ec-p256'] } }));
    files.setLocal('shop/batch.yaml', policy('batch', { deny: { serviceAccounts: ['default'] } }));
    checkOut(files, COMMIT);
    const settings = {
      ...checkedOut(files),
      'listen.console.address': '127.0.0.1:0',
      'listen.console.oneTimeLink': true,
    };
    server = started.use(await RunningServer.start({ files, settings }));
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    page = watched.page;
    await page.goto(server.report.consoleUrl!);
    await page.getByRole('link', { name: 'Policies', exact: true }).click();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  it('names the commit in force while there is none', async () => {
    await page.getByText('What is in force is what should be.').waitFor(LIVE);
    assert.equal(await page.getByText(COMMIT).count(), 2);
    await demandAccessible(page);
  });

  it('shows what was edited by hand, field by field, as soon as it was', async () => {
    files.setLocal('shop/api.yaml', policy('api', { narrow: { ttl: { max: '20h' }, keys: ['ec-p256'] } }));
    files.setLocal('shop/mine.yaml', policy('mine', { deny: { serviceAccounts: ['other'] } }));
    files.setLocal('shop/batch.yaml');
    const row = (name: RegExp) => page.getByRole('row', { name });
    await row(/shop\/api spec\.narrow\.ttl\.max different 20h 30m/).waitFor(LIVE);
    await row(/shop\/mine not in Git/).waitFor();
    await row(/shop\/batch not in force/).waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'policies-drift');
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
  });

  it('shows whose certificate the policies would refuse today, and what would pass', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    for (const account of ['api', 'web']) assert.equal((await server.ask('shop', account)).code, status.OK);
    files.setLocal('shop/mine.yaml', policy('mine', { deny: { serviceAccounts: ['web'] } }));
    const row = page.getByRole('row', {
      name: /spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web .* refused CAP-P04 .*to pass/,
    });
    await row.waitFor(LIVE);
    await demandAccessible(page);
    await keepScreenshot(page, 'policies-refused-today');
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
    await page.emulateMedia({ colorScheme: 'light' });
    await row.getByRole('link').click();
    await page.getByRole('heading', { name: 'Identity', level: 1 }).waitFor();
  });
});
