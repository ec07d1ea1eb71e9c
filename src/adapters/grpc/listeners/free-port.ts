// Whether an address is free for workers that will share it. With `reusePort` a listener opens beside whoever has the
// address already, of the same user (socket(7), SO_REUSEPORT): only one without it finds out that somebody has.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf } from '../../../domain/text/system-error.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { listen } from './listener.ts';

export interface WantedAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How an operator knows it, such as `the TLS address 127.0.0.1:15012`. */
  readonly named: string;
}

/** Workers of a server whose supervisor was killed close their listeners as soon as they notice. */
export const FREE_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 100;

/**
 * @param onWaiting is called once when an address is taken and may become free in a moment.
 * @returns the port of each address, in their order.
 * @throws AuthorityError CAP-X03 naming the address that somebody else has.
 */
export async function freePorts(
  addresses: readonly WantedAddress[],
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
  { signal, onWaiting }: { readonly signal: AbortSignal; readonly onWaiting: (named: string) => void },
): Promise<readonly number[]> {
  const untilMs = clock.monotonicMs() + FREE_WITHIN_MS;
  const held: Server[] = [];
  let waited = false;
  try {
    for (const address of addresses) {
      for (;;) {
        const server = createServer();
        try {
          await listen(server, address, { named: address.named, signal });
          held.push(server);
          break;
        } catch (error) {
          if (!isTaken(error) || clock.monotonicMs() >= untilMs) throw error;
          if (!waited) onWaiting(address.named);
          waited = true;
          await clock.sleep(LOOK_EVERY_MS, { signal });
        }
      }
    }
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    // Held until all are known: port 0 twice must not be one port.
    await Promise.all(held.map(closed));
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof AuthorityError && codeOf(error.cause) === 'EADDRINUSE';
}

async function closed(server: Server): Promise<void> {
  const end = once(server, 'close');
  server.close();
  await end;
}
