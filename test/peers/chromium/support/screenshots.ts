// Pictures of the console in docs/console, taken by the tests: written anew only when asked, so that a run changes no file.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';

const HOME = path.resolve(import.meta.dirname, '../../../../docs/console');
export const SIZE = { width: 1280, height: 800 } as const;

/** @param name of the file, without its end. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  if (process.env['UPDATE_DOCS'] !== '1') return;
  mkdirSync(HOME, { recursive: true });
  await page.screenshot({ path: path.join(HOME, `${name}.png`), animations: 'disabled' });
}
