// A chore is done by one process at a time: the one that holds its lease.
import type { Clock } from '../../ports/platform/clock.ts';
import type { HeldLease, Lease } from '../../ports/storage/lease.ts';

export interface Leading {
  readonly epoch: number;
  /** Aborts when the lease is lost, or the chore shall end. */
  readonly signal: AbortSignal;
}

/** Between tries to get a lease from a store that cannot be asked. */
const RETRY_MS = 10_000;

/**
 * Does `work` whenever this process holds the lease, and once more when it holds it again, until the signal aborts.
 * @param work ends soon after its signal aborts, and handles its own errors; it ends earlier only when all is done.
 */
export async function whileLeading(
  { lease, clock }: { readonly lease: Lease; readonly clock: Pick<Clock, 'sleep'> },
  work: (leading: Leading) => Promise<void>,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const granted = await acquired(lease, signal);
    if (granted === undefined) {
      await clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
      continue;
    }
    await work({ epoch: granted.epoch, signal: AbortSignal.any([signal, granted.lost]) });
    await granted.release();
    if (!granted.lost.aborted) return;
  }
}

async function acquired(lease: Lease, signal: AbortSignal): Promise<HeldLease | undefined> {
  try {
    return await lease.acquire({ signal });
  } catch {
    // The store says by itself that it cannot be asked; or the signal has aborted, which ends the loop.
    return undefined;
  }
}
