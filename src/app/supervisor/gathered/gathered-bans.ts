// What operators ask of bans where there are several workers.
import type { BansParts } from '../../../adapters/http/admin/administer-bans.ts';
import { BANS_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredBans(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): BansParts {
  const ask = askFirst<BansParts>(workers, BANS_TOPIC, { signal, acts: ['revoke', 'lift', 'approve'] });
  return {
    list: async () => ask('list'),
    revoke: async (asked, operator) => ask('revoke', asked, operator),
    lift: async (asked, operator) => ask('lift', asked, operator),
    pending: async () => ask('pending'),
    approve: async (digest, operator) => ask('approve', digest, operator),
  };
}
