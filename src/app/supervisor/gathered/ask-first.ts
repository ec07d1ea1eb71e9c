// A question that any worker can answer, for all of them know the same: the first that serves is asked.
import type { Json } from '../../../adapters/processes/link.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { ServingWorkers } from './ask-each.ts';

type Asked<Parts> = {
  readonly [Question in keyof Parts]: Parts[Question] extends (...given: infer Given) => Promise<infer Answer>
    ? { readonly given: Given; readonly answer: Answer }
    : never;
};

/**
 * @typeParam Parts methods that take and give data all through; the topic's questions are their names.
 * @returns how to ask. It throws AuthorityError CAP-S07 when no worker serves; as the method.
 */
export function askFirst<Parts>(workers: ServingWorkers, topic: string, options: { readonly signal: AbortSignal }) {
  return async <Question extends keyof Parts>(
    question: Question,
    ...given: Asked<Parts>[Question]['given'] & readonly unknown[]
  ): Promise<Asked<Parts>[Question]['answer']> => {
    const [first] = workers();
    if (first === undefined) throw new AuthorityError('CAP-S07', { detail: 'no worker serves' });
    const asked = { question, given } as unknown as Json;
    return await first.link.ask(topic, asked, options);
  };
}
