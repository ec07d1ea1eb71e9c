// How the journal is proven, where there are several workers: any of them reads the chains of all, and has the key.
import type { AuditParts } from '../../../adapters/http/admin/records/administer-audit.ts';
import { AUDIT_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredAudit(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): AuditParts {
  const ask = askFirst<AuditParts>(workers, AUDIT_TOPIC, { signal, acts: [] });
  return {
    status: async () => ask('status'),
    signEnd: async (...given) => ask('signEnd', ...given),
  };
}
