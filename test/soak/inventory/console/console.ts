// The console of a mesh of 500,000 identities in a real browser: every page as somebody sees it while certificates are issued, and then a
// page that is left open, and used, while hundreds are issued in a second. Server and browser are processes of their own.
import { setTimeout as sleep } from 'node:timers/promises';
import { demandBuiltConsole } from '../../../app/operating/console/support/built-console.ts';
import { ChildServer } from '../../../app/support/child-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { percentile } from '../../flood/quiet.ts';
import { sqliteStore } from '../stores.ts';
import type { Measured, Soak, SoakOptions } from '../../soak.ts';
import { openPage } from './opened-page.ts';
import type { Held, Seen, SeenPage } from './seen-page.ts';
import { issueSteadily, type Issued, type Pace } from './steady-issuing.ts';
import { LEFT_OPEN, visitsOf, whileBusy } from './visits.ts';

export interface ConsoleLoad {
  readonly sizes: NonNullable<SoakOptions['sizes']>;
  /** At which certificates are issued while every page is visited, and while one is left open. */
  readonly quiet: Pace;
  readonly busy: Pace;
  /** How long each page is looked at. */
  readonly lookMs: number;
}

const LOAD: ConsoleLoad = {
  sizes: { ended: 300_000, live: 500_000 },
  quiet: { perSecond: 20, connections: 4 },
  busy: { perSecond: 300, connections: 16 },
  lookMs: 1_500,
};
const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };

/** On a machine that does nothing else. */
const MAX_VISIT_MS = 2_000;
const MAX_TASK_MS = 200;
const MAX_P99_MS = 250;
/** However many identities there are: what a page holds is that of its hundred rows. */
const MAX_ROWS = 100;
const MAX_KIB = 128;
const MAX_HEAP_MIB = 16;
const MAX_GROWTH_MIB = 2;
/** A page that is left open looks so often, whatever happens on the server. */
const LOOKS_EVERY_S = 5;

export const consoles: Soak = {
  name: 'console.chromium',
  seconds: 120,
  run: async (options) => runConsole({ ...LOAD, sizes: options.sizes ?? LOAD.sizes }, options),
};

/** @param options.seconds for which a page is left open, and for which nobody looks before that. */
export async function runConsole(load: ConsoleLoad, { seconds, say }: SoakOptions): Promise<readonly Measured[]> {
  // The server reads the pages when it starts.
  demandBuiltConsole();
  const nowMs = Date.now();
  using files = await ServerFiles.create();
  await using store = await sqliteStore(files, load.sizes, nowMs);
  say(`made in ${Math.round((Date.now() - nowMs) / 1_000)} s`);
  await using server = await ChildServer.start(files, { ...store.settings, ...SETTINGS });
  const whileIssuing = async <T>(pace: Pace, work: () => Promise<T>): Promise<readonly [T, Issued]> => {
    const end = new AbortController();
    const issuing = issueSteadily(server, files, pace, { signal: end.signal });
    const done = await work().finally(() => end.abort());
    return [done, await issuing];
  };
  const [, alone] = await whileIssuing(load.quiet, async () => sleep(seconds * 1_000));
  await using page = await openPage(server.report.consoleUrl!);
  const visits = async (all: ReturnType<typeof visitsOf>): Promise<readonly Seen[]> => {
    const seen: Seen[] = [];
    for (const visit of all) seen.push(await page.seen.visit(visit, load.lookMs));
    return seen;
  };
  const [visited, quiet] = await whileIssuing(load.quiet, async () => visits(visitsOf(load.sizes)));
  const [open, busy] = await whileIssuing(load.busy, async () => ({
    left: await leftOpen(page.seen, seconds),
    used: await visits(whileBusy(load.sizes)),
  }));
  return [
    ...visited.flatMap((one) => measuredOf(one)),
    ...open.used.flatMap((one) => measuredOf({ ...one, name: `${one.name}, while hundreds are issued` })),
    ...open.left,
    ...issuedOf('while nobody looks', alone),
    ...issuedOf('while somebody looks at everything', quiet),
    ...issuedOf('beside a page that is left open', busy),
  ];
}

/** Where the rows are that change: of the namespace that is issued to. */
async function leftOpen(seen: SeenPage, seconds: number): Promise<readonly Measured[]> {
  await seen.visit(LEFT_OPEN, 0);
  const before: Held = await seen.held();
  const asOf = async (): Promise<string> => seen.page.locator('.as-of').last().innerText();
  const known = await asOf();
  const sinceMs = performance.now();
  const { questions, refused, longestTaskMs, heapBytes } = await seen.visit(
    { name: '', go: async (page) => page.waitForTimeout(seconds * 1_000) },
    0,
  );
  // Longer than it was told to, where the machine is busy.
  const looks = Math.ceil((performance.now() - sinceMs) / 1_000 / LOOKS_EVERY_S) + 1;
  const isStill = await eventually('a newer answer', async () => (await asOf()) !== known, { withinMs: 30_000 }).then(
    () => false,
    () => true,
  );
  const name = 'left open';
  return [
    { name: `${name}: questions`, value: questions, unit: 'in all', bound: looks },
    { name: `${name}: refused`, value: refused, unit: 'in all', bound: 0 },
    { name: `${name}: longest task`, value: longestTaskMs, unit: 'ms', bound: MAX_TASK_MS },
    { name: `${name}: heap grown`, value: mib(heapBytes - before.heapBytes), unit: 'MiB', bound: MAX_GROWTH_MIB },
    { name: `${name}: still as of the beginning`, value: Number(isStill), unit: 'pages', bound: 0 },
  ];
}

function measuredOf({ name, tookMs, longestTaskMs, questions, refused, bytes, rows, heapBytes }: Seen): Measured[] {
  const of = (what: string, value: number, unit: string, bound: number): Measured => ({
    name: `${name}: ${what}`,
    value,
    unit,
    bound,
  });
  return [
    of('there', tookMs, 'ms', MAX_VISIT_MS),
    of('longest task', longestTaskMs, 'ms', MAX_TASK_MS),
    of(`sent for ${questions} questions`, bytes / 1_024, 'KiB', MAX_KIB),
    of('refused', refused, 'in all', 0),
    of('rows', rows, 'in all', MAX_ROWS),
    of('heap', mib(heapBytes), 'MiB', MAX_HEAP_MIB),
  ];
}

function issuedOf(when: string, { tookMs, refusals, seconds }: Issued): Measured[] {
  const perSecond = (tookMs.length / seconds).toFixed(0);
  const p50 = percentile(tookMs, 0.5).toFixed(0);
  return [
    {
      name: `issued ${when} (${perSecond} a second, p50 ${p50} ms)`,
      value: percentile(tookMs, 0.99),
      unit: 'ms',
      bound: MAX_P99_MS,
    },
    { name: `refused certificates ${when}`, value: refusals.length, unit: 'in all', bound: 0 },
  ];
}

function mib(bytes: number): number {
  return bytes / 2 ** 20;
}
