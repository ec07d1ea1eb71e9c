// An API server that is away for longer than what it said is believed: a pod goes on asking, is served until that bound and then
// told to come again, and is served by itself when the API server is back. The bound is as long as the soak; `npm test` has the
// shortest that may be configured, in peers/kubernetes/attestation-outage.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { AttestedServer, podWithToken } from '../peers/kubernetes/support/attested-server.ts';
import { KubernetesCluster } from '../peers/kubernetes/support/cluster.ts';
import type { Measured, Soak } from './soak.ts';

const ASKED_EVERY_MS = 250;
/** A watch that is quiet was answered that long ago at most, and what was known counts from then. */
const QUIET_MS = 45_000;
/** A watch is tried again every ten seconds in the end, and the API server has to start. */
const BACK_WITHIN_MS = 45_000;
/** What has not turned by then is broken. */
const GIVEN_UP_MS = 60_000;

interface Answered {
  readonly code: status;
  readonly details: string;
  readonly staleMs?: number;
}

async function outage(staleAfterMs: number, say: (line: string) => void): Promise<readonly Measured[]> {
  await using cluster = await KubernetesCluster.start();
  using files = await AttestedServer.files(['shop']);
  await using capstan = await AttestedServer.start(cluster, files, {
    'cluster.kubernetes.staleAfter': `${Math.round(staleAfterMs / 1_000)}s`,
  });
  const { token } = await podWithToken(cluster, 'shop', 'web');
  await capstan.granted({ token });
  const ask = async (): Promise<Answered> => {
    const { code, details } = await capstan.ask({ token });
    const staleMs = code === status.OK ? capstan.newest().attestation?.clusterStaleMs : undefined;
    return { code, details, ...(staleMs !== undefined && { staleMs }) };
  };

  await cluster.stopApiServer();
  say('the API server is away');
  const served = await until(ask, ({ code }) => code !== status.OK, staleAfterMs + GIVEN_UP_MS);
  say(`refused: ${served.last.details}`);
  const refused = await until(ask, () => false, 10_000);
  await cluster.startApiServer();
  say('the API server is back');
  const back = await until(ask, ({ code }) => code === status.OK, GIVEN_UP_MS);
  const certificates = served.answers.filter(({ code }) => code === status.OK);
  const refusals = [served.last, ...refused.answers, ...back.answers.slice(0, -1)];
  return [
    { name: 'believed', value: staleAfterMs / 1_000, unit: 's' },
    { name: 'certificates meanwhile', value: certificates.length, unit: '' },
    {
      name: 'of them on record as old',
      value: certificates.filter(({ staleMs }) => staleMs !== undefined).length,
      unit: '',
    },
    { name: 'served for', value: served.tookMs / 1_000, unit: 's', bound: (staleAfterMs + ASKED_EVERY_MS) / 1_000 + 2 },
    {
      name: 'ended too early by',
      value: Math.max(0, staleAfterMs - QUIET_MS - served.tookMs) / 1_000,
      unit: 's',
      bound: 0,
    },
    {
      name: 'refused otherwise than as UNAVAILABLE',
      value: refusals.filter(({ code }) => code !== status.UNAVAILABLE).length,
      unit: '',
      bound: 0,
    },
    { name: 'served again within', value: back.tookMs / 1_000, unit: 's', bound: BACK_WITHIN_MS / 1_000 },
  ];
}

/** Asks again and again until an answer holds, `mostMs` at most. */
async function until(
  ask: () => Promise<Answered>,
  holds: (answer: Answered) => boolean,
  mostMs: number,
): Promise<{ readonly answers: readonly Answered[]; readonly last: Answered; readonly tookMs: number }> {
  const answers: Answered[] = [];
  const startMs = performance.now();
  for (;;) {
    const last = await ask();
    answers.push(last);
    const tookMs = performance.now() - startMs;
    if (holds(last) || tookMs > mostMs) return { answers, last, tookMs };
    await sleep(ASKED_EVERY_MS);
  }
}

export const outages: Soak = {
  name: 'outage',
  seconds: 120,
  run: async ({ seconds, say }) => outage(seconds * 1_000, say),
};
