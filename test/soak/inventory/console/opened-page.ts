// A browser with one page of the console, in which somebody is signed in.
import assert from 'node:assert/strict';
import { findChromium, openChromium } from '../../../peers/chromium/support/chromium.ts';
import { SIZE } from '../../../peers/chromium/support/screenshots.ts';
import { SeenPage } from './seen-page.ts';

export interface OpenedPage extends AsyncDisposable {
  readonly seen: SeenPage;
}

/** @param url that signs in. */
export async function openPage(url: string): Promise<OpenedPage> {
  const found = findChromium();
  assert.ok(found !== undefined, 'there is no Chromium');
  const browser = await openChromium(found);
  const context = await browser.newContext({ viewport: SIZE });
  const seen = await SeenPage.of(await context.newPage());
  await seen.page.goto(url);
  await seen.page.getByRole('heading', { name: 'Overview' }).waitFor();
  return { seen, [Symbol.asyncDispose]: async () => browser.close() };
}
