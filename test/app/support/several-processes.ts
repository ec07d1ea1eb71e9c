// A server of several processes: the supervisor is a process of the test's own, its workers are found in its log.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { decisionFrom } from '../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import type { ServerFiles } from './server-files.ts';

export interface Worker {
  readonly slot: number;
  readonly pid: number;
}

/** The workers that serve now, in the order of their slots. */
export function workersOf(files: ServerFiles): readonly Worker[] {
  const bySlot = new Map<number, number>();
  for (const { slot, pid } of files.logged('workerServes')) bySlot.set(Number(slot), Number(pid));
  return [...bySlot]
    .filter(([, pid]) => runs(pid))
    .map(([slot, pid]) => ({ slot, pid }))
    .sort((a, b) => a.slot - b.slot);
}

/** Waits until there are `count`. */
export async function untilServing(files: ServerFiles, count: number, withinMs = 15_000): Promise<readonly Worker[]> {
  return eventually(
    `${count} workers serve`,
    () => {
      const workers = workersOf(files);
      return workers.length === count && workers;
    },
    { withinMs },
  );
}

/** A process that ended and was not yet waited for counts as one that is gone (proc_pid_stat(5), state Z). */
export function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The serials of all recorded certificates, by the slot of the journal that has them. */
export function recordedSerials(files: ServerFiles, slots: number): ReadonlyMap<number, ReadonlySet<string>> {
  const bySlot = new Map<number, ReadonlySet<string>>();
  for (let slot = 1; slot <= slots; slot += 1) {
    const file = `${files.path('journal.db')}.${slot}`;
    if (!existsSync(file)) continue;
    using reader = new JournalQueries(file);
    const decisions = reader.list({ limit: 1_000_000, outcome: 'issued' }).map(decisionFrom);
    bySlot.set(slot, new Set(decisions.flatMap((one) => (one.outcome === 'issued' ? [one.serial] : []))));
  }
  return bySlot;
}

export interface Served {
  readonly client: number;
  readonly outcome: Outcome;
  /** By the monotonic clock, in ms. */
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** Clients, each on a connection of its own, that ask for a certificate, wait for it and ask again. */
export class Load {
  readonly served: Served[] = [];
  readonly #clients: readonly CsrWire[];
  readonly #running: Promise<unknown>;
  #ending = false;

  private constructor(clients: readonly CsrWire[], ask: (client: number) => Promise<void>) {
    this.#clients = clients;
    const keepAsking = async (client: number): Promise<void> => {
      while (!this.#ending) await ask(client);
    };
    this.#running = Promise.all(clients.map(async (_, client) => keepAsking(client)));
  }

  /** @param connect a client on a connection of its own. */
  static async start(files: ServerFiles, count: number, connect: () => CsrWire): Promise<Load> {
    const csr = (await buildCsr()).pem;
    const authorization = `Bearer ${await files.mint.token()}`;
    const clients = Array.from({ length: count }, connect);
    const load: Load = new Load(clients, async (client) => {
      const sentMs = performance.now();
      const outcome = await clients[client]!.call({ csr, headers: { authorization } });
      load.served.push({ client, outcome, sentMs, answeredMs: performance.now() });
    });
    return load;
  }

  get delivered(): readonly string[] {
    return this.served.flatMap(({ outcome }) => serialsOf(outcome));
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#running;
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

/** As the journal spells it; none when there was no certificate. */
export function serialsOf({ response }: Outcome): readonly string[] {
  const leaf = response?.certChain[0];
  return leaf === undefined ? [] : [new X509Certificate(leaf).serialNumber.toLowerCase().replace(/^0+/, '')];
}
