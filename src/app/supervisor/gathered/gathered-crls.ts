// What operators ask of revocation lists where there are several workers: each has all of them.
import type { CrlsParts } from '../../../adapters/http/admin/administer-crls.ts';
import { CRLS_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredCrls(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): CrlsParts {
  const ask = askFirst<CrlsParts>(workers, CRLS_TOPIC, { signal, acts: [] });
  return { list: async () => ask('list'), show: async (id) => ask('show', id) };
}
