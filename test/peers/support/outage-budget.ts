// What a server says of how long an outage may last yet, while the CA above it is away.
import { setTimeout as sleep } from 'node:timers/promises';

/** What can be scraped. */
export interface Scraped {
  get(target: string): Promise<Response>;
}

const BETWEEN_MS = 4_000;
const PAUSE_MS = 500;
/** It is measured every 15 s, and a workload that is found to be gone meanwhile lets it rise. */
const MAX_TRIES = 20;

/** @returns nothing while it is not known. */
export async function budgetSeconds(server: Scraped): Promise<number | undefined> {
  return numberIn(server, /^capstan_outage_budget_seconds (\S+)$/m);
}

/** For how long the CA above an issuer has been failing. */
export async function failingSeconds(server: Scraped, issuer: string): Promise<number | undefined> {
  return numberIn(server, new RegExp(`^capstan_issuer_upstream_failing_seconds\\{issuer="${issuer}"\\} (\\S+)$`, 'm'));
}

/** Waits for two scrapes between which the budget fell by the time that passed. @param issue done all the while, and succeeds. */
export async function untilItCountsDown(server: Scraped, issue: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const first = await budgetSeconds(server);
    const firstMs = performance.now();
    while (performance.now() < firstMs + BETWEEN_MS) {
      await issue();
      await sleep(PAUSE_MS);
    }
    const second = await budgetSeconds(server);
    if (first === undefined || second === undefined || second === 0) continue;
    if (Math.abs(first - second - (performance.now() - firstMs) / 1_000) < 0.5) return;
  }
  throw new Error('the outage budget does not count down');
}

async function numberIn(server: Scraped, pattern: RegExp): Promise<number | undefined> {
  const [, value] = pattern.exec(await (await server.get('/metrics')).text()) ?? [];
  return value === undefined ? undefined : Number(value);
}
