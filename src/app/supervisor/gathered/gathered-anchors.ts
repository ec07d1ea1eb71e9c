// What operators ask of the rotation of trust anchors where there are several workers: the first that serves answers for all.
import type { AnchorsParts } from '../../../adapters/http/admin/administer-anchors.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { ANCHORS_TOPIC, type AnchorsQuestion } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';

export function gatheredAnchors(workers: ServingWorkers, options: { readonly signal: AbortSignal }): AnchorsParts {
  const ask = async <Question extends keyof AnchorsParts>(
    question: Question,
    ...given: Parameters<AnchorsParts[Question]>
  ): Promise<Awaited<ReturnType<AnchorsParts[Question]>>> => {
    const [first] = workers();
    if (first === undefined) throw new AuthorityError('CAP-S07', { detail: 'no worker serves' });
    const asked = { question, given } as unknown as AnchorsQuestion;
    const answer = await first.link.ask(ANCHORS_TOPIC, asked as unknown as Json, options);
    return answer as unknown as Awaited<ReturnType<AnchorsParts[Question]>>;
  };
  return {
    status: async () => ask('status'),
    ask: async (asked, operator) => ask('ask', asked, operator),
    approve: async (digest, operator) => ask('approve', digest, operator),
  };
}
