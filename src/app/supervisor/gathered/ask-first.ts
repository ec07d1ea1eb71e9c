// What an operator asks that any worker can answer, for all of them know the same: the first that serves is asked.
import type { Json } from '../../../adapters/processes/link.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { WORKER_ANSWERS_WITHIN_MS } from '../../operators-wait.ts';
import type { ServingWorkers } from './ask-each.ts';

type Asked<Parts> = {
  readonly [Question in keyof Parts]: Parts[Question] extends (...given: infer Given) => Promise<infer Answer>
    ? { readonly given: Given; readonly answer: Answer }
    : never;
};

interface Settings<Parts> {
  readonly signal: AbortSignal;
  /** Those that change something. */
  readonly acts: readonly (keyof Parts)[];
  /** Those that the worker in the first slot answers, and no other. Absent, none. */
  readonly inFirstSlot?: readonly (keyof Parts)[];
}

/**
 * @typeParam Parts methods that take and give data all through; the topic's questions are their names.
 * @returns how to ask. It throws AuthorityError CAP-S07 when no worker serves that could answer; CAP-O06 when an act was asked for
 *   and it is not known what came of it; as the method.
 */
export function askFirst<Parts>(workers: ServingWorkers, topic: string, settings: Settings<Parts>) {
  const { signal, acts, inFirstSlot = [] } = settings;
  return async <Question extends keyof Parts>(
    question: Question,
    ...given: Asked<Parts>[Question]['given'] & readonly unknown[]
  ): Promise<Asked<Parts>[Question]['answer']> => {
    const serving = workers();
    const first = inFirstSlot.includes(question) ? serving.find(({ slot }) => slot === 1) : serving[0];
    if (first === undefined) throw new AuthorityError('CAP-S07', { detail: 'no worker serves that could do it' });
    const asked = { question, given } as unknown as Json;
    const options = { signal, withinMs: WORKER_ANSWERS_WITHIN_MS, changes: acts.includes(question) };
    return await first.link.ask(topic, asked, options);
  };
}
