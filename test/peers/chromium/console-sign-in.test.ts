// Signing in to the console as people do: at an OpenID provider, and with a client certificate; and what each then sees.
import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { createRoot, issueLeaf } from '../support/pki.ts';
import { peerOrSkip } from '../support/presence.ts';
import { signInAs } from './support/at-provider.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';
import { keepScreenshot, SIZE } from './support/screenshots.ts';
import { TestProvider } from './support/test-provider.ts';

const PEOPLE = { vera: ['mesh-viewers', 'staff'], sam: ['mesh-security'], tina: ['team-shop'], noel: ['staff'] };
const OPS = 'spiffe://corp.example/ops';

describe('Signing in to the console', function () {
  this.timeout(120_000);
  let browser: Browser;
  let files: ServerFiles;
  let provider: TestProvider;
  let server: RunningServer;
  let base: string;
  const started = new AsyncDisposableStack();
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    browser = await openChromium(found);
    started.defer(async () => browser.close());
    const port = await freePort();
    base = `https://localhost:${port}`;
    files = started.use(await ServerFiles.create());
    provider = started.use(await TestProvider.start(PEOPLE, `${base}/login/oidc/callback`));
    const corporate = await createRoot('People of the Corporation');
    files.write('people.pem', corporate.certificatePem);
    for (const name of ['victor', 'mallory']) {
      const { chainPem, keyPem } = await issueLeaf(corporate, { uri: `${OPS}/${name}` });
      files.write(`${name}.pem`, chainPem);
      files.write(`${name}-key.pem`, keyPem);
    }
    server = started.use(
      await RunningServer.start({
        files,
        settings: {
          'listen.console.address': `127.0.0.1:${port}`,
          'listen.console.url': base,
          'listen.administration.clientCaFile': files.path('people.pem'),
          'listen.administration.roles.operator': [`URI:${OPS}/victor`],
          'listen.console.oidc.roles.viewer': ['mesh-viewers'],
          'listen.console.oidc.roles.security': ['mesh-security'],
          'listen.console.teams': [{ member: 'group:team-shop', namespaces: ['shop'] }],
          ...provider.settings(files),
        },
      }),
    );
    await server.ask('shop', 'api');
    await server.ask('pay', 'api');
  });
  after(async () => started.disposeAsync());

  const contexts: BrowserContext[] = [];
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });

  /** @param certificate of whom; absent, the browser has none. */
  async function open(certificate?: string): Promise<Page> {
    const shown = certificate !== undefined && {
      clientCertificates: [
        { origin: base, certPath: files.path(`${certificate}.pem`), keyPath: files.path(`${certificate}-key.pem`) },
      ],
    };
    // Its certificate is under an anchor that no browser knows.
    const context = await browser.newContext({ viewport: SIZE, ignoreHTTPSErrors: true, ...shown });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(base);
    return page;
  }

  const heading = async (page: Page, name: string): Promise<void> =>
    page.getByRole('heading', { name, level: 1 }).waitFor();

  it('offers the ways that there are', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Sign in with a client certificate' }).waitFor();
    await demandAccessible(page);
    await keepScreenshot(page, 'sign-in');
  });

  for (const [name, role] of [
    ['vera', 'viewer'],
    ['sam', 'security'],
  ] as const) {
    it(`gives ${name} the role ${role} by a group of the provider`, async () => {
      const page = await open();
      await signInAs(page, name);
      await heading(page, 'Overview');
      assert.equal(
        await page.locator('.who').innerText(),
        `${name} ${role} Sign out`.replaceAll(' ', '\n').replace('Sign\nout', 'Sign out'),
      );
      await page.getByRole('link', { name: 'Audit', exact: true }).waitFor();
    });
  }

  it('shows a team what is of its namespaces, and nothing else', async () => {
    const page = await open();
    await signInAs(page, 'tina');
    await heading(page, 'Identities');
    await page.getByText('Nobody has such a certificate.').waitFor();
    await demandAccessible(page);
    await page.getByRole('link', { name: 'Refusals', exact: true }).click();
    await heading(page, 'Refusals');
    await page.getByText('spiffe://cluster.local/ns/shop/sa/api').first().waitFor();
    assert.equal(await page.getByText('spiffe://cluster.local/ns/pay/sa/api').count(), 0);
    const pages = await page.getByRole('navigation').getByRole('link').allInnerTexts();
    assert.deepEqual(pages, ['Identities', 'Coverage', 'Refusals']);
    await demandAccessible(page);
    await keepScreenshot(page, 'team');
    // Somebody who sees all sends it a link.
    await page.goto(`${base}/identities?state=ended`);
    await heading(page, 'Identities');
    await page.getByText('Nobody has such a certificate.').waitFor();
    await page.goto(`${base}/issuers`);
    await heading(page, 'No such page');
    for (const path of [
      'overview',
      'issuers',
      'issuers/default',
      'anchors/rotation',
      'operations',
      'policies',
      'pending-acts',
      'inventory?namespace=pay',
      'inventory/ends',
      'inventory/identity?identity=spiffe://cluster.local/ns/pay/sa/api',
    ]) {
      const status = await page.evaluate<number>(`fetch('/api/${path}').then((answer) => answer.status)`);
      assert.equal(status, 403, path);
    }
  });

  it('refuses who has no group that gives a role, and says so', async () => {
    const page = await open();
    await signInAs(page, 'noel');
    await page.getByRole('alert').filter({ hasText: 'You have no role here' }).waitFor();
    await demandAccessible(page);
    assert.equal(new URL(page.url()).search, '');
    await keepScreenshot(page, 'no-role');
  });

  it('gives a role by a client certificate, and knows the session with that alone', async () => {
    const page = await open('victor');
    await page.getByRole('button', { name: 'Sign in with a client certificate' }).click();
    await heading(page, 'Overview');
    await page.getByText(`URI:${OPS}/victor`).waitFor();
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === '__Host-capstan');
    assert.deepEqual([cookie?.secure, cookie?.httpOnly, cookie?.sameSite], [true, true, 'Strict']);
    const thief = await open();
    await thief.context().addCookies([cookie!]);
    await thief.goto(base);
    await thief.getByRole('button', { name: 'Sign in with a client certificate' }).waitFor();
  });

  it('refuses a certificate without a role, and a browser without any', async () => {
    for (const [certificate, problem] of [
      ['mallory', `URI:${OPS}/mallory has no role here`],
      [undefined, 'the browser shows no client certificate that is known here'],
    ] as const) {
      const page = await open(certificate);
      await page.getByRole('button', { name: 'Sign in with a client certificate' }).click();
      await page.getByRole('alert').filter({ hasText: problem }).waitFor();
    }
  });

  it('takes no answer of the provider that was not asked for in this browser', async () => {
    const page = await open();
    const asked = await page.request.get(`${base}/login/oidc`, { maxRedirects: 0 });
    const state = new URL(asked.headers()['location']!).searchParams.get('state')!;
    const other = await open();
    await other.goto(`${base}/login/oidc/callback?code=stolen&state=${state}`);
    await other.getByText('was not begun in this browser').waitFor();
  });

  it('says that the provider is away, while sessions go on', async () => {
    const page = await open();
    await signInAs(page, 'vera');
    await heading(page, 'Overview');
    await provider[Symbol.asyncDispose]();
    await page.reload();
    await heading(page, 'Overview');
    const other = await open();
    await other.getByRole('link', { name: 'Sign in with your organisation' }).click();
    await other.getByText('The provider at which people sign in does not answer.').waitFor();
    await keepScreenshot(other, 'provider-away');
    await eventually('the log says why', () => files.logged('signIn').some(({ outcome }) => outcome === 'failed'), {
      withinMs: 60_000,
    });
  });

  it('leaves no secret, code or token in the log', () => {
    const log = files.logText;
    assert.doesNotMatch(log, /a secret of the console|eyJ|code=|client_secret/);
  });
});
