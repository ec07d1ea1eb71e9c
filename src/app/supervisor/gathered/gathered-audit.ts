// How the journal is proven, where there are several workers: any of them reads the chains of all, and has the key.
import type { AuditParts } from '../../../adapters/http/admin/records/administer-audit.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import type { Acceptance, Accepting } from '../../../authority/audit/head-continuity.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { WORKER_ANSWERS_WITHIN_MS } from '../../operators-wait.ts';
import { AUDIT_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredAudit(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): AuditParts {
  const ask = askFirst<AuditParts>(workers, AUDIT_TOPIC, { signal, acts: [] });
  return {
    status: async () => ask('status'),
    accept: async (by) => acceptance(workers, by, { signal }),
    signEnd: async (...given) => ask('signEnd', ...given),
  };
}

/** One of them makes heads, and it is not known which: each is asked until one accepts. */
async function acceptance(
  workers: ServingWorkers,
  by: Accepting,
  { signal }: { readonly signal: AbortSignal },
): Promise<Acceptance> {
  for (const [at, { link }] of workers().entries()) {
    const asked = { question: 'accept', given: [by] } as unknown as Json;
    const options = { signal, withinMs: WORKER_ANSWERS_WITHIN_MS, changes: true };
    const answer = (await link.ask(AUDIT_TOPIC, asked, options)) as unknown as Acceptance;
    if ('accepted' in answer || at === workers().length - 1) return answer;
  }
  throw new AuthorityError('CAP-S07', { detail: 'no worker serves that could do it' });
}
