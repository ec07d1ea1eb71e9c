// Debian's Chromium, driven by playwright-core: how people see the console.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type Page } from 'playwright-core';

const COMMAND = 'chromium';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2, levels A and AA. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** @returns where it is; nothing when it is not installed. */
export function findChromium(): string | undefined {
  const found = spawnSync('sh', ['-c', `command -v ${COMMAND}`], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** A browser without a sandbox: containers and root have none, and it sees this machine alone. */
export async function openChromium(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  const quiet = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', ...args];
  return chromium.launch({ executablePath, args: quiet });
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Has axe judge what the page shows now. Its script is put in by the browser, past the page's content security policy. */
export async function demandAccessible(page: Page): Promise<void> {
  // A string: what runs in the page is no code of this process.
  await page.evaluate(AXE);
  const asked = `axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`;
  const { violations } = await page.evaluate<AxeResult>(asked);
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html ?? ''}`);
  assert.deepEqual(found, [], page.url());
}
