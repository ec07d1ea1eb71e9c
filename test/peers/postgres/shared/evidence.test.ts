// Evidence over all servers, against a real database.
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresEvidence } from '../../../../src/adapters/storage/postgres/postgres-evidence.ts';
import { PostgresEvidenceRecords } from '../../../../src/adapters/storage/postgres/shared/postgres-evidence-records.ts';
import { ADD_CLOSINGS } from '../../../../src/adapters/storage/postgres/writing/statements.ts';
import { recordsAsJson } from '../../../../src/adapters/storage/storable-json.ts';
import { describeEvidence } from '../../../support/contracts/evidence.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };

describe('Of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  describeEvidence('in the journal of all servers', async ({ decisions, closings = [], notes }) => {
    const journal = store.journal('journal');
    await Promise.all(decisions.map(async (record) => journal.append(record, NEVER)));
    const records = new PostgresEvidenceRecords({ database: store.database });
    for (const proxy of notes?.proxies ?? []) await records.recordEvidence({ bundles: [], proxies: [proxy] }, NEVER);
    await records.recordEvidence({ bundles: notes?.bundles ?? [], proxies: [] }, NEVER);
    const places = JSON.stringify(closings.map(() => ({})));
    await store.database.query(ADD_CLOSINGS, [recordsAsJson(closings), places], NEVER);
    return new PostgresEvidence({ clock: new SystemClock() }, store.settings);
  });
});
