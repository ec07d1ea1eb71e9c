// What a person sees in the console who has just changed a policy in a large mesh: whom it would refuse, before all are judged.
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { issuedTo } from '../../support/policy/recorded-decisions.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { watchedPage, type WatchedPage } from './support/watched-page.ts';

const MANY = 20_000;
const LIVE = { timeout: 60_000 };

function live(who: string, id: number): IssuedRecord {
  const timeMs = Date.now() - 1_000;
  const named = { decisionId: `d-${id}`, serial: (id + 16).toString(16), podUid: `uid-${id}` };
  return issuedTo({ who }, { timeMs, notAfterMs: timeMs + 3_600_000, ...named });
}

describe('The console while many certificates are judged', function () {
  this.timeout(180_000);
  const started = new AsyncDisposableStack();
  let files: ServerFiles;
  let watched: WatchedPage;
  let page: Page;
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    const browser: Browser = await openChromium(found);
    started.defer(async () => browser.close());
    files = started.use(await ServerFiles.create());
    files.setPolicy([{ namespaces: ['shop', 'team'] }]);
    mkdirSync(files.path('policies/shop'));
    const writer = new JournalWriter({ file: files.path('journal.db') });
    writer.append([live('shop/web', MANY), live('shop/api', MANY + 1)]);
    writer.append(Array.from({ length: MANY }, (_, index) => live(`team/app-${index}`, index)));
    writer.close();
    const settings = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
    const server = started.use(await RunningServer.start({ files, settings }));
    const context = await browser.newContext({ viewport: SIZE, colorScheme: 'light' });
    watched = await watchedPage(context, server.report.consoleUrl!);
    page = watched.page;
    await page.goto(server.report.consoleUrl!);
    await page.getByRole('link', { name: 'Policies', exact: true }).click();
  });
  after(async () => started.disposeAsync());
  afterEach(() => watched.demandClean());

  it('says how far it is, and names first whom a policy refuses that changed meanwhile', async () => {
    await page
      .getByText(/All are being judged by revision [0-9a-f]+ since .*: [\d,]+ of 20,00\d so far\./)
      .waitFor(LIVE);
    files.setLocal(
      'shop/own.yaml',
      JSON.stringify({
        apiVersion: 'capstan.dev/v1alpha1',
        kind: 'IssuancePolicy',
        metadata: { name: 'own', namespace: 'shop' },
        spec: { deny: { serviceAccounts: ['web'] }, contact: '#team-shop' },
      }),
    );
    const ahead = page.getByRole('region', { name: 'Of namespaces that changed their policies since: shop' });
    await ahead.getByRole('row', { name: /sa\/web .* refused CAP-P04 .*to pass/ }).waitFor(LIVE);
    await demandAccessible(page);
    await keepScreenshot(page, 'policies-ahead');
    await page.emulateMedia({ colorScheme: 'dark' });
    await demandAccessible(page);
  });
});
