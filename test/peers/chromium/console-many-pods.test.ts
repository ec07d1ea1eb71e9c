// One identity in more pods than one page of the console has.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Page } from 'playwright-core';
import type { InventoryAnswer } from '../../../src/adapters/http/admin/administer-inventory.ts';
import { demandBuiltConsole } from '../../app/operating/console/support/built-console.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { claimsOf } from '../../app/support/token-mint.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { demandAccessible, findChromium, openChromium } from './support/chromium.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const MANY = 104;
const MANY_PODS = 'spiffe://cluster.local/ns/default/sa/many';

describe('The pods of one identity in the console', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let page: Page;
  const started = new AsyncDisposableStack();
  before(async function () {
    const found = peerOrSkip(this, findChromium(), 'Chromium');
    demandBuiltConsole();
    const browser = await openChromium(found);
    started.defer(async () => browser.close());
    server = started.use(await RunningServer.start({ settings: SETTINGS }));
    page = await browser.newPage();
    await page.goto(server.report.consoleUrl ?? assert.fail('there is no console'));
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  after(async () => started.disposeAsync());

  it('are said to be more than stand on its page, which goes on behind the first hundred', async () => {
    const pods = Array.from({ length: MANY }, (_, at) => `many-${String(at).padStart(3, '0')}`);
    const { 'kubernetes.io': bound } = claimsOf('default', 'many') as { readonly 'kubernetes.io': object };
    using client = server.client();
    for (const pod of pods) {
      const token = await server.files.mint.token('many', {
        'kubernetes.io': { ...bound, pod: { name: pod, uid: pod } },
      });
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await client.call({ csr: (await buildCsr()).pem, headers })).code, status.OK);
    }
    const shown = page.getByRole('heading', { name: /^Pod many-/ });
    const asked = `fetch('/api/inventory?podName=${pods.at(-1) ?? ''}').then((answer) => answer.json())`;
    const last = async () => (await page.evaluate<InventoryAnswer>(asked)).rows.length;
    await eventually('all are there', async () => (await last()) === 1, { withinMs: 60_000 });
    await page.goto(new URL(`/identity?identity=${MANY_PODS}`, page.url()).href);
    await page.getByText('It is in more pods than stand here: 100 of them').waitFor();
    assert.equal(await shown.count(), 100);
    await demandAccessible(page);
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('heading', { name: `Pod ${pods.at(-1) ?? ''}` }).waitFor();
    assert.equal(await shown.count(), MANY - 100);
    assert.equal(await page.getByText('It is in more pods').count(), 0);
    await page.getByRole('link', { name: 'First page' }).click();
    await page.getByRole('heading', { name: `Pod ${pods[0] ?? ''}` }).waitFor();
    assert.equal(new URL(page.url()).search, `?identity=${encodeURIComponent(MANY_PODS)}`);
  });
});
