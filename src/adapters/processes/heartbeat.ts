// Whether the event loop of another process goes round: it answers a question that needs nothing else.
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Link } from './link.ts';

const TOPIC = 'heartbeat';
const EVERY_MS = 250;

/** @param link of a process that answers for as long as its event loop goes round. */
export function answerHeartbeat(link: Link): void {
  link.serve(TOPIC, () => null);
}

/**
 * Resolves when the other end has not answered for as long as `patienceMs` says; never while it answers. Looks are
 * counted, not the clock: a machine that slept for an hour must not find every worker silent when it wakes.
 * @param patienceMs asked at each look; a multiple of 250.
 * @param options.signal ends the watching; it rejects with the reason.
 */
export async function untilSilent(
  link: Link,
  clock: Clock,
  patienceMs: () => number,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const silent = new AbortController();
  const ending = AbortSignal.any([signal, silent.signal]);
  let looks = 0;
  let asking = false;
  const ask = async (): Promise<void> => {
    asking = true;
    // An ask that failed is one that was not answered: the looks count it.
    await link.ask(TOPIC, null, { signal: ending }).then(
      () => (looks = 0),
      () => undefined,
    );
    asking = false;
  };
  const look = (): void => {
    if (looks * EVERY_MS >= patienceMs()) {
      silent.abort();
      return;
    }
    looks += 1;
    if (!asking) void ask();
  };
  await every(EVERY_MS, clock, look, { signal: ending });
  signal.throwIfAborted();
}
