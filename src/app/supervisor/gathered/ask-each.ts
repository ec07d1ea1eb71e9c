// A question to all workers at once. What one of them cannot answer in time must not keep the others' answers from
// whoever asked: a probe, a scraper, an operator.
import type { Json, Link } from '../../../adapters/processes/link.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

/** A worker that serves now. */
export interface ServingWorker {
  readonly slot: number;
  readonly link: Link;
}

/** Asked anew at each question, in the order of the slots. */
export type ServingWorkers = () => readonly ServingWorker[];

export interface Answer extends ServingWorker {
  /** Nothing when it did not answer in time, or is gone. */
  readonly body: Json | undefined;
}

/** Scrapers and probes wait for some seconds. */
const ANSWER_WITHIN_MS = 1_000;

const LATE = new Error('late');

/** Resolves within a second. @param onAnswer is called with each answer as it comes, and not with those that do not. */
export async function askEach(
  workers: readonly ServingWorker[],
  topic: string,
  clock: Pick<Clock, 'after'>,
  onAnswer: (worker: ServingWorker, body: Json) => void = () => undefined,
): Promise<readonly Answer[]> {
  const late = new AbortController();
  const takeBack = clock.after(ANSWER_WITHIN_MS, () => late.abort(LATE));
  const answers = workers.map(async (worker): Promise<Answer> => {
    // Why not is the worker's to say: whoever is not answered shows that.
    const answer = await worker.link.ask(topic, null, late).catch(() => undefined);
    if (answer !== undefined) onAnswer(worker, answer);
    return { ...worker, body: answer };
  });
  const all = await Promise.all(answers);
  takeBack();
  return all;
}
