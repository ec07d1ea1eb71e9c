// Pages of an inventory of ten million entries that ended and 500,000 that live, in either store: of each kind of question the time that
// 99 of 100 take at most, asked as the server's own parts ask, and then of a server over its administration socket.
import { percentile } from '../flood/quiet.ts';
import { ChildServer } from '../../app/support/child-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { SeededRandom } from '../../support/fakes/seeded-random.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import type { Sizes } from './entries.ts';
import { askPort, AskedServer, type Page } from './pages.ts';
import { kindsOf, type Asked, type Kind } from './questions.ts';
import { postgresStore, sqliteStore, type MakeStore } from './stores.ts';

const SIZES: Sizes = { ended: 10_000_000, live: 500_000 };
/** Of each kind, of the port. */
const TURNS = 200;
const MAX_PAGE_MS = 50;
/** Pages of an operator at once, and in a second after that: as many as a server answers one. */
const RATE = { burst: 60, perSecond: 2 };

export const inventories: readonly Soak[] = (
  [
    ['inventory.sqlite', sqliteStore],
    ['inventory.postgres', postgresStore],
  ] as const
).map(([name, make]) => ({
  name,
  seconds: 300,
  run: async (options) => runInventory(make, { sizes: options.sizes ?? SIZES, turns: TURNS }, options),
}));

export interface InventoryLoad {
  readonly sizes: Sizes;
  readonly turns: number;
}

export async function runInventory(
  make: MakeStore,
  { sizes, turns }: InventoryLoad,
  { seconds, say }: SoakOptions,
): Promise<readonly Measured[]> {
  const nowMs = Date.now();
  using files = await ServerFiles.create();
  await using store = await make(files, sizes, nowMs);
  say(`made in ${Math.round((Date.now() - nowMs) / 1_000)} s`);
  const kinds = kindsOf(sizes, nowMs);
  const ofPort: Measured[] = [];
  let missed = 0;
  {
    await using inventory = store.open();
    const ask = askPort(inventory);
    // A server's is awake.
    await ask({ conditions: {} });
    for (const kind of kinds) {
      const times = await timesOf(kind, turns, ask);
      ofPort.push(measured(kind.name, times));
      if (kind.finds === true) missed += times.empty;
    }
  }
  await using server = await ChildServer.start(files, store.settings);
  using asked = new AskedServer(files.path('admin.sock'));
  // A team is told by its certificate, which nobody has on this socket.
  const open = kinds.filter((kind) => kind.ask(() => 0).namespaces === undefined);
  const each = Math.max(1, Math.floor((RATE.burst + RATE.perSecond * seconds) / open.length));
  const overSocket: number[] = [];
  for (const kind of open) {
    const { timesMs } = await timesOf(kind, each, async (question) => asked.ask(question));
    overSocket.push(...timesMs);
  }
  say(`${overSocket.length} pages of the server ${server.pid}, ${each} of each kind`);
  return [
    ...ofPort,
    measured('over the socket of a server, all kinds', { timesMs: overSocket, entries: 0 }),
    { name: 'pages without those who are there', value: missed, unit: 'in all', bound: 0 },
  ];
}

interface Times {
  readonly timesMs: readonly number[];
  /** Of a page, on average. */
  readonly entries: number;
}

async function timesOf(
  kind: Kind,
  turns: number,
  ask: (asked: Asked) => Promise<Page>,
): Promise<Times & { readonly empty: number }> {
  const random = new SeededRandom(1);
  const timesMs: number[] = [];
  let [entries, empty] = [0, 0];
  let next: Asked['after'];
  for (let turn = 0; turn < turns; turn += 1) {
    const question = kind.ask(() => random.fraction());
    const page = await ask(kind.walks === true && next !== undefined ? { ...question, after: next } : question);
    timesMs.push(page.tookMs);
    entries += page.entries;
    if (page.entries === 0) empty += 1;
    next = page.next;
  }
  return { timesMs, entries: entries / turns, empty };
}

function measured(name: string, { timesMs, entries }: Times): Measured {
  const p50 = percentile(timesMs, 0.5).toFixed(1);
  const found = entries === 0 ? '' : `, ${Math.round(entries)} entries`;
  return { name: `${name} (p50 ${p50} ms${found})`, value: percentile(timesMs, 0.99), unit: 'ms', bound: MAX_PAGE_MS };
}
