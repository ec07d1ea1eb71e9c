// A process that floods a server with calls, as fast as it is answered, until it is told to stop; then it tells its
// parent how many calls it made, and with which outcomes.
import process from 'node:process';
import { status } from '@grpc/grpc-js';
import type { CsrCall, CsrWire } from '../../adapters/grpc/wire.ts';
import { csrClient } from '../../app/support/running-server.ts';

export interface FloodOrder {
  readonly tlsPort: number;
  readonly anchorsPem: string;
  /** Kept connections, and calls in flight on each. */
  readonly connections: number;
  readonly inFlight: number;
  /** Workers that make a connection for each call. */
  readonly fresh: number;
  /** Asked in turn. */
  readonly calls: readonly CsrCall[];
}

export interface FloodReport {
  readonly calls: number;
  /** By name of the gRPC status. */
  readonly outcomes: Readonly<Record<string, number>>;
}

const { tlsPort, anchorsPem, connections, inFlight, fresh, calls } = JSON.parse(process.argv[2] ?? '{}') as FloodOrder;
const outcomes: Record<string, number> = {};
const ending = { now: false };
let made = 0;

async function ask(client: CsrWire): Promise<void> {
  const { code } = await client.call(calls[made % calls.length]);
  made += 1;
  const name = status[code];
  outcomes[name] = (outcomes[name] ?? 0) + 1;
}

async function onKept(client: CsrWire): Promise<void> {
  while (!ending.now) await ask(client);
}

async function afresh(): Promise<void> {
  while (!ending.now) {
    using client = csrClient(tlsPort, anchorsPem);
    await ask(client);
  }
}

process.once('SIGTERM', () => (ending.now = true));
process.once('disconnect', () => (ending.now = true));
const clients = Array.from({ length: connections }, () => csrClient(tlsPort, anchorsPem));
process.send?.('begun');
await Promise.all([
  ...clients.flatMap((client) => Array.from({ length: inFlight }, async () => onKept(client))),
  ...Array.from({ length: fresh }, afresh),
]);
for (const client of clients) client[Symbol.dispose]();
process.send?.({ calls: made, outcomes } satisfies FloodReport);
process.disconnect?.();
