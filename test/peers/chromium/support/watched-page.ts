// A page whose every complaint is kept: errors of scripts, what the content security policy stopped, and requests to anywhere else.
import assert from 'node:assert/strict';
import type { BrowserContext, Page } from 'playwright-core';

export interface WatchedPage {
  readonly page: Page;
  /** @throws AssertionError when anything was wrong. */
  readonly demandClean: () => void;
}

export async function watchedPage(context: BrowserContext, base: string): Promise<WatchedPage> {
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // A browser notes every answer of 400 and more; tests look at these themselves.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) wrong.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(base).origin) wrong.push(`request: ${request.url()}`);
  });
  return { page, demandClean: () => assert.deepEqual(wrong, []) };
}
