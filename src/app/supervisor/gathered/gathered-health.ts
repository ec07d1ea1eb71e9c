// How the server is, over all its processes. It can serve while one worker can: what is wrong in another is named with
// its number, and takes the server out of no load balancer.
import type { Clock } from '../../../ports/platform/clock.ts';
import { degraded, type Health, type PartHealth } from '../../../ports/platform/health.ts';
import { HEALTH_TOPIC } from '../../worker/topics.ts';
import { askEach, type Answer, type ServingWorkers } from './ask-each.ts';

interface Parts {
  /** Of the supervisor itself, with one part that says which workers serve. */
  readonly own: Pick<Health, 'parts'>;
  readonly workers: ServingWorkers;
  /** Those that do not serve yet. What they wait for, such as a CA that signs their first certificate, only they know. */
  readonly starting: ServingWorkers;
  readonly clock: Pick<Clock, 'after'>;
}

/** @returns the parts of all processes; those of workers have their number. */
export async function gatherHealth({ own, workers, starting, clock }: Parts): Promise<readonly PartHealth[]> {
  const answers = await askEach(workers(), HEALTH_TOPIC, clock);
  if (answers.length === 0) return [...own.parts(), ...(await ofThoseThatStart(starting(), clock))];
  const each = answers.map(partsOf);
  const servable = each.some((parts) => parts.every(({ state }) => state !== 'not ready'));
  const ofWorkers = each.flat().map((part) => (servable ? serving(part) : part));
  return [...own.parts(), ...ofWorkers];
}

/** One that has not read its program yet does not answer: the supervisor's own part says that it does not serve. */
async function ofThoseThatStart(
  starting: ReturnType<ServingWorkers>,
  clock: Parts['clock'],
): Promise<readonly PartHealth[]> {
  const answers = await askEach(starting, HEALTH_TOPIC, clock);
  return answers.filter(({ body }) => body !== undefined).flatMap(partsOf);
}

function partsOf({ slot, body }: Answer): readonly PartHealth[] {
  if (body === undefined) return [{ part: 'worker', worker: slot, state: 'not ready', why: 'it does not answer' }];
  return (body as unknown as readonly PartHealth[]).map((part) => ({ ...part, worker: slot }));
}

/** What one worker cannot do costs the server a part of what it could do. */
function serving(part: PartHealth): PartHealth {
  if (part.state !== 'not ready') return part;
  const { part: name, worker, why } = part;
  return { part: name, ...(worker !== undefined && { worker }), ...degraded(why) };
}
