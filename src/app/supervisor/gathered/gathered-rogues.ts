// What operators ask about rogue CAs where there are several workers: the first of them looks for all.
import type { RogueParts } from '../../../adapters/http/admin/records/administer-rogues.ts';
import { ROGUES_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredRogues(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): RogueParts {
  const ask = askFirst<RogueParts>(workers, ROGUES_TOPIC, { signal, acts: [], inFirstSlot: ['found'] });
  return { found: async () => ask('found') };
}
