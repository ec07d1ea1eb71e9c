// Several tabs of one browser, which have one session between them: what one of them does is true in all.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { sayName, sayWhoYouAre, signInAs } from './support/at-provider.ts';
import { findChromium, openChromium } from './support/chromium.ts';
import { SIZE } from './support/screenshots.ts';
import { TestProvider } from './support/test-provider.ts';

const PEOPLE = { vera: ['mesh-viewers'], tina: ['team-shop'] };
/** Another site than that of the provider, which is at localhost: its redirects come without the `Strict` cookie, as from one of the world. */
const HOST = 'console.test';
/** Cookies of the provider: who it takes the browser's person for. */
const AT_PROVIDER = /^_[^_]/;

describe('Tabs of one browser at the console', function () {
  this.timeout(120_000);
  let browser: Browser;
  let base: string;
  let files: ServerFiles;
  let server: RunningServer;
  let context: BrowserContext;
  const started = new AsyncDisposableStack();
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    browser = await openChromium(found, [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`]);
    started.defer(async () => browser.close());
    const port = await freePort();
    base = `https://${HOST}:${port}`;
    files = started.use(await ServerFiles.create());
    const provider = started.use(await TestProvider.start(PEOPLE, `${base}/login/oidc/callback`));
    server = started.use(
      await RunningServer.start({
        files,
        settings: {
          'listen.console.address': `127.0.0.1:${port}`,
          'listen.console.url': base,
          'listen.console.oidc.roles.viewer': ['mesh-viewers'],
          'listen.console.teams': [{ member: 'group:team-shop', namespaces: ['shop'] }],
          ...provider.settings(files),
        },
      }),
    );
    await server.ask('pay', 'api');
  });
  after(async () => started.disposeAsync());
  beforeEach(async () => {
    context = await browser.newContext({ viewport: SIZE, ignoreHTTPSErrors: true });
  });
  afterEach(async () => context.close());

  async function tab(path = '/'): Promise<Page> {
    const page = await context.newPage();
    await page.goto(base + path);
    return page;
  }

  const heading = async (page: Page, name: string): Promise<void> =>
    page.getByRole('heading', { name, level: 1 }).waitFor();

  it('show nothing any more once one of them was signed out, though the others never look again', async () => {
    const first = await tab();
    await signInAs(first, 'vera');
    await heading(first, 'Overview');
    const second = await tab('/refusals');
    await second.getByText('spiffe://cluster.local/ns/pay/sa/api').first().waitFor();
    // As of a tab that nobody sees: it asks for nothing by itself.
    await second.route('**/api/{refusals,live}*', (route) => route.abort());
    await first.getByRole('button', { name: 'Sign out' }).click();
    await first.getByText('You are signed out.').waitFor();
    await second.getByRole('alert').filter({ hasText: 'Your session is over.' }).waitFor();
    await second.getByText('spiffe://cluster.local/ns/pay/sa/api').first().waitFor({ state: 'detached' });
  });

  it('show what is of who signed in last, and nothing of the person before', async () => {
    const first = await tab();
    await signInAs(first, 'vera');
    await heading(first, 'Overview');
    // It hears nothing, and what it asks by itself is not answered.
    await first.route('**/api/live', (route) => route.abort());
    await first.route('**/api/refusals*', (route) =>
      route.request().headers()['capstan-refresh'] === undefined ? route.fallback() : route.abort(),
    );
    await first.goto(`${base}/refusals`);
    await first.getByText('spiffe://cluster.local/ns/pay/sa/api').first().waitFor();
    await context.clearCookies({ name: AT_PROVIDER });
    const second = await tab('/login/oidc');
    await sayWhoYouAre(second, 'tina');
    await heading(second, 'Identities');
    await first.locator('.who').filter({ hasText: 'tina' }).waitFor();
    await first.getByText('Nothing was refused in that time.').waitFor();
  });

  it('may each sign in at once: the answer to either is taken', async () => {
    const [first, second] = [await tab(), await tab()];
    for (const page of [first, second]) {
      await page.getByRole('link', { name: 'Sign in with your organisation' }).click();
      await page.getByPlaceholder('Enter any login').waitFor();
    }
    await sayWhoYouAre(first, 'vera');
    await heading(first, 'Overview');
    await sayName(second, 'vera');
    await heading(second, 'Overview');
  });

  it('leave no session behind when somebody signs in anew', async () => {
    const page = await tab();
    await signInAs(page, 'vera');
    await heading(page, 'Overview');
    const former = (await context.cookies()).filter(({ name }) => name === '__Host-capstan');
    await context.clearCookies({ name: AT_PROVIDER });
    await page.goto(`${base}/login/oidc`);
    await sayWhoYouAre(page, 'tina');
    await heading(page, 'Identities');
    const thief = await browser.newContext({ ignoreHTTPSErrors: true });
    await thief.addCookies(former);
    const stolen = await thief.newPage();
    await stolen.goto(base);
    await stolen.getByRole('link', { name: 'Sign in with your organisation' }).waitFor();
    await thief.close();
  });

  it('say so when somebody does not go on at the provider', async () => {
    const page = await tab();
    await page.getByRole('link', { name: 'Sign in with your organisation' }).click();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: 'The provider did not let you in, or you did not go on' })
      .waitFor();
    await eventually(
      'the log says it',
      () => files.logged('signIn').some(({ problem }) => problem === 'the provider says access_denied'),
      { withinMs: 60_000 },
    );
  });

  it('keep what they had, when another is opened and the server does not answer that', async () => {
    const first = await tab();
    await signInAs(first, 'vera');
    await heading(first, 'Overview');
    const second = await context.newPage();
    await context.route('**/api/session', (route) => route.abort());
    await second.goto(base);
    await second.getByRole('alert').filter({ hasText: 'The server does not answer.' }).waitFor();
    await first.getByRole('link', { name: 'Issuers', exact: true }).click();
    await heading(first, 'Issuers');
  });
});
