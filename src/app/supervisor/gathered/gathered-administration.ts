// What an operator asks of the server as a whole, put together of what its workers answer.
import type { SdsStatus } from '../../../adapters/http/admin/administer-sds.ts';
import type { PolicyTime, PolicyTimeParts } from '../../../adapters/http/admin/administer-policy-time.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import {
  POLICY_TIME_TOPIC,
  SDS_STATUS_TOPIC,
  SET_POLICY_TIME_BACK_TOPIC,
  type SettingBack,
} from '../../worker/topics.ts';
import { WORKER_ANSWERS_WITHIN_MS } from '../../operators-wait.ts';
import { askEach, type Answer, type ServingWorker, type ServingWorkers } from './ask-each.ts';

interface Parts {
  readonly workers: ServingWorkers;
  readonly clock: Pick<Clock, 'after' | 'nowMs'>;
}

/** @throws AuthorityError CAP-S07 when a worker does not answer: half a list would look like all is well. */
export async function gatherSdsStatus({ workers, clock }: Parts): Promise<SdsStatus> {
  const all = demandAll(await askEach(workers(), SDS_STATUS_TOPIC, clock)).map((body) => body as unknown as SdsStatus);
  return {
    streams: all.reduce((sum, { streams }) => sum + streams, 0),
    rejections: all.flatMap(({ rejections }) => rejections),
  };
}

/** As of one process: the latest moment by which any worker judges is the one that is shown and set back. */
export function gatheredPolicyTime(parts: Parts, options: { readonly signal: AbortSignal }): PolicyTimeParts {
  return {
    read: async () => ({ timeMs: latestOf(await timesOf(parts)), clockMs: parts.clock.nowMs() }),
    setBack: async (expectedMs, by) => {
      const times = await timesOf(parts);
      if (latestOf(times) !== expectedMs) return undefined;
      const [first, ...others] = times.sort((a, b) => b.timeMs - a.timeMs);
      const done = first && (await setBack(first, by, options));
      // The others follow without a record of their own: it is one deed of one operator.
      if (done !== null) for (const worker of others) await setBack(worker, null, options);
      return (done ?? undefined) as { readonly atMs: number; readonly fromMs: number } | undefined;
    },
  };
}

interface TimeOfWorker extends ServingWorker {
  readonly timeMs: number;
}

async function timesOf({ workers, clock }: Parts): Promise<TimeOfWorker[]> {
  const answers = await askEach(workers(), POLICY_TIME_TOPIC, clock);
  const times = demandAll(answers).map((body) => (body as unknown as PolicyTime).timeMs);
  return answers.map(({ slot, link }, index) => ({ slot, link, timeMs: times[index] ?? 0 }));
}

function latestOf(times: readonly TimeOfWorker[]): number {
  return Math.max(...times.map(({ timeMs }) => timeMs));
}

async function setBack(
  { link, timeMs }: TimeOfWorker,
  by: SettingBack['by'],
  options: { readonly signal: AbortSignal },
): Promise<Json> {
  const { signal } = options;
  const waits = { signal, withinMs: WORKER_ANSWERS_WITHIN_MS, changes: true };
  return link.ask(SET_POLICY_TIME_BACK_TOPIC, { expectedMs: timeMs, by }, waits);
}

function demandAll(answers: readonly Answer[]): readonly Json[] {
  if (answers.length === 0) throw new AuthorityError('CAP-S07', { detail: 'no worker serves' });
  return answers.map(({ slot, body }) => {
    if (body === undefined) throw new AuthorityError('CAP-S07', { detail: `worker ${slot} does not answer` });
    return body;
  });
}
