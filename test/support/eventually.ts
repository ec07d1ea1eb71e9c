// Waiting for what another process will show: by asking again until a deadline, never by sleeping a
// guessed time.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** Total time, in ms. */
  readonly withinMs: number;
  /** Pause between two looks, in ms; 50 unless said otherwise. */
  readonly everyMs?: number;
}

/**
 * Looks until `look` gives something other than `undefined` and `false`.
 * @throws Error that names `what` when the time is over; carries the last failure of `look` as its cause.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { withinMs, everyMs = 50 }: Patience,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  let cause: unknown;
  do {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      cause = undefined;
    } catch (failure) {
      cause = failure; // the process may not be up yet; the deadline bounds how long we believe that
    }
    await sleep(everyMs);
  } while (performance.now() < deadlineMs);
  throw new Error(`not seen within ${withinMs} ms: ${what}`, { cause });
}

/** Holds for all of `forMs`: `look` must stay true. */
export async function throughout(what: string, look: () => Promise<boolean> | boolean, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    if (!(await look())) throw new Error(`ceased to be true: ${what}`);
    await sleep(100);
  }
}

const BEAT_MS = 10;
/** Most of a beat that counts: one that is late by more was not let run. */
const MOST_OF_BEAT_MS = 40;

/**
 * Measures how long work of this process takes, without the time in which a busy machine did not let it run: for the question whether
 * something waits for somebody who does not answer. What other processes take counts as it is.
 */
export async function unstalledMs(work: () => Promise<unknown>): Promise<number> {
  let tookMs = 0;
  let lastMs = performance.now();
  const beat = (): void => {
    const nowMs = performance.now();
    tookMs += Math.min(nowMs - lastMs, MOST_OF_BEAT_MS);
    lastMs = nowMs;
  };
  const beats = setInterval(beat, BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beats);
    beat();
  }
  return tookMs;
}

/**
 * From and below. Under those that the kernel gives to outgoing connections (ip_local_port_range): none of them takes one meanwhile.
 * Runs of tests that go on side by side have a part each (`test/lanes`).
 */
const [FIRST_PORT, END_OF_PORTS] = (process.env['TEST_PORTS'] ?? '20000-32000').split('-').map(Number);
/** Never one twice in a process. */
const given = new Set<number>();

/** A TCP port of the loopback that was free a moment ago, and is taken by nobody who does not ask for it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT!, END_OF_PORTS!);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
