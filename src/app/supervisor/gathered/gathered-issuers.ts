// What operators ask of issuers where there are several workers.
import type { IssuersParts } from '../../../adapters/http/admin/administer-issuers.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { ISSUERS_TOPIC, RECORD_OPERATION_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredIssuers(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): IssuersParts {
  const ask = askFirst<IssuersParts>(workers, ISSUERS_TOPIC, {
    signal,
    acts: ['ask', 'removeKey', 'rotate', 'approve'],
    // Pairs of certificate and key are changed by one of them.
    inFirstSlot: ['rotate', 'rotation'],
  });
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
