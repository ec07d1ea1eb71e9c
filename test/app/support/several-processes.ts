// A server of several processes: the supervisor is a process of the test's own, its workers are found in its log.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { decisionFrom } from '../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import type { ServerFiles } from './server-files.ts';

export interface Worker {
  readonly slot: number;
  readonly pid: number;
}

const ANY_PORT = /^(127\.0\.0\.1):0$/;

/**
 * Gives a server of several processes ports of its own: one that the kernel gives its supervisor may be another's before its workers,
 * which are processes to be started, listen there.
 * @param settings by dotted path.
 */
export async function withOwnPorts(
  settings: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  if (settings['processes'] === undefined || settings['processes'] === 1) return settings;
  const own = Object.entries(settings).map(async ([key, value]) => {
    const [, host] = (typeof value === 'string' && ANY_PORT.exec(value)) || [];
    return [key, host === undefined ? value : `${host}:${await freePort()}`] as const;
  });
  return Object.fromEntries(await Promise.all(own));
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
export async function untilServing(files: ServerFiles, count: number, withinMs = 60_000): Promise<readonly Worker[]> {
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

/** Nothing, if it has ended: between a look at it and this it may have. */
export function tellIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** @returns those of the serials that no journal of the server has. */
export function unrecorded(files: ServerFiles, slots: number, serials: readonly string[]): readonly string[] {
  const recorded = [...recordedSerials(files, slots).values()];
  return serials.filter((serial) => !recorded.some((slot) => slot.has(serial)));
}

/** As the kernel does when memory runs out; resolves when it is gone. */
export async function kill9(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await eventually('the process is gone', () => !runs(pid), { withinMs: 30_000, everyMs: 5 });
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

/** Clients, each on a connection of its own, that ask for a certificate, wait for it and ask again; on a new one after a failure. */
export class Load {
  readonly served: Served[] = [];
  readonly #running: Promise<unknown>;
  #ending = false;

  private constructor(count: number, connect: () => CsrWire, ask: (client: CsrWire) => Promise<Outcome>) {
    const clients = Array.from({ length: count }, (_, client) => client);
    this.#running = Promise.all(clients.map(async (client) => this.#keepAsking(client, connect, ask)));
  }

  /** @param connect a client on a connection of its own. */
  static async start(files: ServerFiles, count: number, connect: () => CsrWire): Promise<Load> {
    const csr = (await buildCsr()).pem;
    const authorization = `Bearer ${await files.mint.token()}`;
    return new Load(count, connect, async (client) => client.call({ csr, headers: { authorization } }));
  }

  /** The serials of all certificates so far. */
  get delivered(): readonly string[] {
    return this.served.flatMap(({ outcome }) => serialsOf(outcome));
  }

  get failures(): readonly Served[] {
    return this.served.filter(({ outcome }) => outcome.code !== status.OK);
  }

  /** Resolves when `more` further certificates have come. */
  async untilServed(more: number): Promise<void> {
    const successes = (): number => this.served.length - this.failures.length;
    const wanted = successes() + more;
    await eventually(`${more} certificates`, () => successes() >= wanted, { withinMs: 40_000 });
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#running;
  }

  async #keepAsking(client: number, connect: () => CsrWire, ask: (client: CsrWire) => Promise<Outcome>): Promise<void> {
    while (!this.#ending) {
      using connection = connect();
      while (await this.#serve(client, async () => ask(connection)));
      // As a real client pauses; a refused connection would be tried a thousand times a second.
      await sleep(20);
    }
  }

  /** @returns whether to ask again on the same connection. */
  async #serve(client: number, ask: () => Promise<Outcome>): Promise<boolean> {
    const sentMs = performance.now();
    const outcome = await ask();
    this.served.push({ client, outcome, sentMs, answeredMs: performance.now() });
    // Room for the workers: the clients share their cores.
    await sleep(5);
    return outcome.code === status.OK && !this.#ending;
  }
}

/** As the journal spells it; none when there was no certificate. */
export function serialsOf({ response }: Outcome): readonly string[] {
  const leaf = response?.certChain[0];
  return leaf === undefined ? [] : [new X509Certificate(leaf).serialNumber.toLowerCase().replace(/^0+/, '')];
}
