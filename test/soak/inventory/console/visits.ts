// What people do in the console of a large mesh: every page, and on that of identities every filter, the next page and the way to one.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { BUSY, livesOf, namesOf, type Sizes } from '../entries.ts';
import type { Visit } from './seen-page.ts';

const BUSY_IDENTITY = `spiffe://cluster.local/ns/${BUSY.namespace}/sa/${BUSY.serviceAccount}`;
const NOBODY = /^Nobody /;

/** @param sizes of the inventory that is looked at. */
export function visitsOf(sizes: Sizes): readonly Visit[] {
  return [
    at('overview', '/', async (page) => {
      await page.getByRole('region', { name: 'Who fails first' }).getByRole('link').first().waitFor();
      await page.getByText(/certificates? ends? within 24 hours/).waitFor();
    }),
    at('identities', '/identities', firstRow),
    nextPage('identities, the next page'),
    nextPage('identities, the page after that'),
    ...filters(sizes),
    chosen('State', 'live'),
    chosen('State', 'renewing'),
    chosen('State', 'overdue'),
    nextPage('the next page of those'),
    chosen('State', 'ended'),
    chosen('State', 'revoked'),
    chosen('Ends within', '1h'),
    at('identities of an issuer that nobody has', '/identities?issuerName=none', firstRow),
    at('one identity in many pods', identityAt(BUSY_IDENTITY), aPod),
    nextPage('more of its pods', aPod),
    at('identities once more', '/identities?namespace=team-1', firstRow),
    {
      name: 'one identity, from its row',
      go: async (page) => {
        await page.locator('tbody').getByRole('link').first().click();
        await aPod(page);
      },
    },
    ...others(),
  ];
}

/** Rows of certificates that are being issued. */
export const LEFT_OPEN = at('left open', '/identities?namespace=default', firstRow);

/** Some of them once more. */
export function whileBusy(sizes: Sizes): readonly Visit[] {
  const again = ['overview', 'identities', 'identities, by serial', 'one identity in many pods'];
  return visitsOf(sizes).filter(({ name }) => again.includes(name));
}

function filters(sizes: Sizes): readonly Visit[] {
  const numbers = Array.from({ length: sizes.ended + sizes.live }, (_, number) => number);
  const { identity, namespace, podName, nodeName, serial } = namesOf(numbers.findLast((one) => livesOf(one, sizes))!);
  const typed = Object.entries({
    Identity: identity,
    Serial: serial,
    Pod: podName,
    Node: nodeName,
    Namespace: namespace,
  });
  return typed.map(([label, value]) => ({
    name: `identities, by ${label.toLowerCase()}`,
    go: async (page) => {
      await begin(page);
      await page.getByRole('searchbox', { name: label, exact: true }).fill(value);
      await answered(page, async () => page.keyboard.press('Enter'));
      await firstRow(page);
    },
  }));
}

function chosen(label: string, value: string): Visit {
  return {
    name: `identities, ${label.toLowerCase()} ${value}`,
    go: async (page) => {
      await begin(page);
      await answered(page, async () => page.getByLabel(label).selectOption(value));
      await firstRow(page);
    },
  };
}

function others(): readonly Visit[] {
  const heading = (name: string) => async (page: Page) => page.getByRole('heading', { name }).first().waitFor();
  return [
    at('coverage', '/coverage', async (page) => page.locator('main [role=alert], main h2').first().waitFor()),
    at('refusals', '/refusals', async (page) => page.locator('.as-of').first().waitFor()),
    at('policies', '/policies', heading('Policies')),
    at('issuers', '/issuers', rowOrNone),
    at('one issuer', '/issuers?issuer=default', async (page) => page.locator('dl').first().waitFor()),
    at('trust anchors', '/rotation', async (page) => page.locator('.as-of').first().waitFor()),
    at('rogue CAs', '/rogue', async (page) => page.locator('main [role=alert], .as-of').first().waitFor()),
    at('audit', '/audit', async (page) => page.locator('.as-of').first().waitFor()),
  ];
}

function at(name: string, address: string, there: (page: Page) => Promise<void>): Visit {
  return {
    name,
    go: async (page) => {
      await page.goto(new URL(address, page.url()).href);
      await there(page);
    },
  };
}

function nextPage(name: string, there = firstRow): Visit {
  return {
    name,
    go: async (page) => {
      await answered(page, async () => page.getByRole('link', { name: 'Next page' }).click());
      await there(page);
    },
  };
}

/** Nobody is looked for among those who stood there before. */
async function begin(page: Page): Promise<void> {
  await page.goto(new URL('/identities', page.url()).href);
  await firstRow(page);
}

async function answered(page: Page, act: () => Promise<unknown>): Promise<void> {
  const before = page.url();
  const answer = page.waitForResponse((one) => new URL(one.url()).pathname.startsWith('/api/inventory'));
  await act();
  assert.equal((await answer).status(), 200);
  assert.notEqual(page.url(), before);
}

async function firstRow(page: Page): Promise<void> {
  await page.getByText('With what was on record at').waitFor();
  await rowOrNone(page);
}

async function rowOrNone(page: Page): Promise<void> {
  await page.locator('tbody tr').or(page.getByText(NOBODY)).first().waitFor();
}

async function aPod(page: Page): Promise<void> {
  await page.getByRole('heading', { name: /^Pod / }).first().waitFor();
}

function identityAt(identity: string): string {
  return `/identity?identity=${encodeURIComponent(identity)}`;
}
