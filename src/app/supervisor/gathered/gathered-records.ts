// What operators ask of the newest records where there are several workers: any of them reads the journals of all.
import type { RecordsParts } from '../../../adapters/http/admin/records/administer-records.ts';
import { RECORDS_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredRecords(workers: ServingWorkers, { signal }: { readonly signal: AbortSignal }): RecordsParts {
  const ask = askFirst<RecordsParts>(workers, RECORDS_TOPIC, { signal, acts: [] });
  return {
    refusals: async (asked) => ask('refusals', asked),
    operations: async (limit) => ask('operations', limit),
  };
}
