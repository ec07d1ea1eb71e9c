// What operators ask of the rotation of trust anchors where there are several workers.
import type { AnchorsParts } from '../../../adapters/http/admin/administer-anchors.ts';
import { ANCHORS_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredAnchors(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): AnchorsParts {
  const ask = askFirst<AnchorsParts>(workers, ANCHORS_TOPIC, { signal, acts: ['ask', 'approve'] });
  return {
    status: async () => ask('status'),
    ask: async (asked, operator) => ask('ask', asked, operator),
    approve: async (digest, operator) => ask('approve', digest, operator),
  };
}
