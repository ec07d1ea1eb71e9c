// Virtual machines that keep their connections and renew certificates of 40 s at half life, as Istio's agent does, with
// its jitter. Nobody is ever refused, although each connection was opened with a certificate that ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningServer } from '../app/support/running-server.ts';
import { RenewingAgent } from '../support/clients/renewing-agent.ts';
import type { Soak, SoakOptions } from './soak.ts';

const LIFETIME_S = 40;
const AGENTS = 20;
/** SECRET_GRACE_PERIOD_RATIO and SECRET_GRACE_PERIOD_RATIO_JITTER of the agent. */
const RATIO = 0.5;
const JITTER = 0.01;

interface Tally {
  renewals: number;
  connections: number;
  readonly refusals: string[];
}

export const renewals: Soak = { name: 'renewals', seconds: 600, run };

async function run({ seconds, say }: SoakOptions): ReturnType<Soak['run']> {
  const lifetime = `${LIFETIME_S}s`;
  const settings = {
    'lifetimes.default': lifetime,
    'lifetimes.max': lifetime,
    'lifetimes.backdate': '2s',
    'sds.ttl': lifetime,
  };
  await using server = await RunningServer.start({ settings });
  const endMs = performance.now() + seconds * 1_000;
  const tally: Tally = { renewals: 0, connections: 0, refusals: [] };
  await Promise.all(Array.from({ length: AGENTS }, async (_, index) => live(server, index, endMs, tally)));
  for (const refusal of tally.refusals) say(refusal);
  return [
    { name: `renewals by ${AGENTS} agents`, value: tally.renewals, unit: 'in all' },
    { name: 'connections', value: tally.connections, unit: 'made' },
    { name: 'refusals', value: tally.refusals.length, unit: 'in all', bound: 0 },
  ];
}

/** One machine's life: enrolled by token, restarted, then by its certificates alone. */
async function live(server: RunningServer, index: number, endMs: number, tally: Tally): Promise<void> {
  const { files, tlsPort } = server;
  const identity = `spiffe://cluster.local/ns/default/sa/vm-${index}`;
  using agent = new RenewingAgent(tlsPort, files.pki.root.certificatePem, identity);
  await sleep((index / AGENTS) * LIFETIME_S * RATIO * 1_000);
  const first = await agent.renew(await files.mint.token(`vm-${index}`));
  if (first.code !== 0) tally.refusals.push(`enrolment of ${identity}: ${first.message}`);
  agent.restart();
  while (performance.now() < endMs) {
    await sleep(LIFETIME_S * 1_000 * (RATIO + JITTER * (2 * Math.random() - 1)));
    const { code, message, fresh } = await agent.renew();
    tally.renewals += 1;
    if (fresh) tally.connections += 1;
    if (code !== 0) tally.refusals.push(`${new Date().toISOString()} ${identity}: ${message}`);
  }
}
