// What operators ask of issuers where there are several workers.
import type { IssuersParts } from '../../../adapters/http/admin/administer-issuers.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { ISSUERS_TOPIC, RECORD_OPERATION_TOPIC, type IssuersQuestion } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';

const IN_FIRST_SLOT: ReadonlySet<keyof IssuersParts> = new Set<keyof IssuersParts>(['rotate', 'rotation']);

export function gatheredIssuers(workers: ServingWorkers, options: { readonly signal: AbortSignal }): IssuersParts {
  const ask = async <Question extends keyof IssuersParts>(
    question: Question,
    ...given: Parameters<IssuersParts[Question]>
  ): Promise<Awaited<ReturnType<IssuersParts[Question]>>> => {
    const serving = workers();
    // Pairs of certificate and key are changed by one of them.
    const first = IN_FIRST_SLOT.has(question) ? serving.find(({ slot }) => slot === 1) : serving[0];
    if (first === undefined) throw new AuthorityError('CAP-S07', { detail: 'no worker serves that could do it' });
    const asked = { question, given } as unknown as IssuersQuestion;
    const answer = await first.link.ask(ISSUERS_TOPIC, asked as unknown as Json, options);
    return answer as unknown as Awaited<ReturnType<IssuersParts[Question]>>;
  };
  return {
    list: async () => ask('list'),
    show: async (name) => ask('show', name),
    pending: async () => ask('pending'),
    ask: async (asked, operator) => ask('ask', asked, operator),
    keys: async (name) => ask('keys', name),
    removeKey: async (removed, operator) => ask('removeKey', removed, operator),
    rotate: async (asked, operator) => ask('rotate', asked, operator),
    rotation: async (name) => ask('rotation', name),
    approve: async (digest, operator) => ask('approve', digest, operator),
  };
}

/** @throws AuthorityError CAP-S07 when no worker serves; as OperationJournal. */
export function recordedByOne(workers: ServingWorkers, options: { readonly signal: AbortSignal }) {
  return async (operation: OperationRecord): Promise<void> => {
    const [first] = workers();
    if (first === undefined) throw new AuthorityError('CAP-S07', { detail: 'no worker serves' });
    await first.link.ask(RECORD_OPERATION_TOPIC, operation as unknown as Json, options);
  };
}
