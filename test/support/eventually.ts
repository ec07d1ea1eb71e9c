// Waiting for what another process will show: by asking again until a deadline, never by sleeping a
// guessed time.
import { createServer, type AddressInfo } from 'node:net';
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

/** Never one twice in a process: of two that are asked for in turn, the kernel may give the second the first again. */
const given = new Set<number>();

/** A TCP port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}
