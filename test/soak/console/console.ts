// The console of a mesh of 500,000 identities in a real browser: every page as somebody sees it while certificates are issued, and then
// a page that is left open and used while hundreds are issued in a second. Server and browser are processes of their own.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { ChildServer } from '../../app/support/child-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { findChromium, openChromium } from '../../peers/chromium/support/chromium.ts';
import { SIZE } from '../../peers/chromium/support/screenshots.ts';
import { percentile } from '../flood/quiet.ts';
import type { Sizes } from '../inventory/entries.ts';
import { sqliteStore } from '../inventory/stores.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import { SeenPage, type Seen } from './seen-page.ts';
import { issueSteadily, type Issued, type Pace } from './steady-issuing.ts';
import { visitsOf } from './visits.ts';

export interface ConsoleLoad {
  readonly sizes: Sizes;
  /** While every page is visited, and while one is left open. */
  readonly quiet: Pace;
  readonly busy: Pace;
  /** For which each page is looked at. */
  readonly lookMs: number;
}

const LOAD: ConsoleLoad = {
  sizes: { ended: 300_000, live: 500_000 },
  quiet: { perSecond: 20, connections: 4 },
  busy: { perSecond: 300, connections: 16 },
  lookMs: 1_500,
};
const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };

export const consoles: Soak = {
  name: 'console.chromium',
  seconds: 120,
  run: async (options) => runConsole({ ...LOAD, sizes: options.sizes ?? LOAD.sizes }, options),
};

export async function runConsole(load: ConsoleLoad, { seconds, say }: SoakOptions): Promise<readonly Measured[]> {
  const nowMs = Date.now();
  using files = await ServerFiles.create();
  await using store = await sqliteStore(files, load.sizes, nowMs);
  say(`made in ${Math.round((Date.now() - nowMs) / 1_000)} s`);
  await using server = await ChildServer.start(files, { ...store.settings, ...SETTINGS });
  await using started = new AsyncDisposableStack();
  const found = findChromium();
  assert.ok(found !== undefined, 'there is no Chromium');
  const browser: Browser = await openChromium(found);
  started.defer(async () => browser.close());
  const context = await browser.newContext({ viewport: SIZE });
  const seen = await SeenPage.of(await context.newPage());
  await seen.page.goto(server.report.consoleUrl!);
  await seen.page.getByRole('heading', { name: 'Overview' }).waitFor();
  const visited: Seen[] = [];
  const quiet = await whileIssuing(server, files, load.quiet, async () => {
    for (const visit of visitsOf(load.sizes)) {
      const one = await seen.visit(visit, load.lookMs);
      visited.push(one);
      say(lineOf(one));
    }
  });
  say(`quiet ${JSON.stringify(summary(quiet))}`);
  const busy = await whileIssuing(server, files, load.busy, async () => {
    const endMs = performance.now() + seconds * 1_000;
    while (performance.now() < endMs) {
      for (const name of ['overview', 'identities', 'identities, by namespace', 'one identity in many pods']) {
        const visit = visitsOf(load.sizes).find((one) => one.name === name)!;
        say(lineOf(await seen.visit(visit, 6_000)));
      }
    }
  });
  say(`busy ${JSON.stringify(summary(busy))}`);
  return [];
}

async function whileIssuing(
  server: ChildServer,
  files: ServerFiles,
  pace: Pace,
  work: () => Promise<void>,
): Promise<Issued> {
  const end = new AbortController();
  const issuing = issueSteadily(server, files, pace, { signal: end.signal });
  try {
    await work();
  } finally {
    end.abort();
  }
  return issuing;
}

function summary({ tookMs, refusals, seconds }: Issued) {
  return {
    perSecond: tookMs.length / seconds,
    p50: percentile(tookMs, 0.5),
    p99: percentile(tookMs, 0.99),
    max: Math.max(...tookMs),
    refusals: [...new Set(refusals)].slice(0, 5),
    refused: refusals.length,
  };
}

function lineOf(one: Seen): string {
  return `${one.name}: ${Math.round(one.tookMs)} ms, ${one.questions} questions, ${one.refused} refused, ${Math.round(one.bytes / 1024)} KiB, task ${Math.round(one.longestTaskMs)} ms, ${one.rows} rows, heap ${(one.heapBytes / 2 ** 20).toFixed(1)} MiB, ${one.nodes} nodes`;
}
void sleep;
