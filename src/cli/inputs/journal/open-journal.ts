// The journal that a command reads, whichever store it is in. Loaded when it is asked for: only who reads a journal waits
// for the database.
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import type { PostgresSettings } from '../../../adapters/storage/postgres/connection/settings.ts';
import { isOnThisMachine, type JournalStore } from '../../../config/shapes/journal-store.ts';
import type { AuditHeadReader } from '../../../ports/audit/audit-heads.ts';
import type { ChainSnapshots } from '../../../ports/audit/chain-reader.ts';
import type { ClosingJournalReader } from '../../../ports/storage/closing-journal.ts';
import type { IssuanceJournalReader } from '../../../ports/storage/issuance-journal.ts';
import type { OperationJournalReader } from '../../../ports/storage/operation-journal.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { ChosenJournal } from '../../options/journal-options.ts';

type PostgresStore = Extract<JournalStore, { kind: 'postgres' }>;
export type OpenJournal = IssuanceJournalReader &
  OperationJournalReader &
  ClosingJournalReader &
  ChainSnapshots &
  AuditHeadReader &
  (Disposable | AsyncDisposable);

/** One to read by, and one for what is read while that goes through the journal. */
const CONNECTIONS = 2;
/** Without a configuration. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** @throws AuthorityError CAP-X03 naming what is missing or no journal; CAP-S04 when it cannot be read now. */
export async function openJournal(
  { store, postgres }: ChosenJournal,
  options: { readonly signal: AbortSignal },
): Promise<OpenJournal> {
  if (store.kind === 'postgres') return openPostgres(store, postgres, options);
  const { StoreReader } = await import('../../../adapters/storage/slots/store-reader.ts');
  return StoreReader.open(store.file, options);
}

async function openPostgres(
  store: PostgresStore,
  settings: ChosenJournal['postgres'],
  options: { readonly signal: AbortSignal },
): Promise<OpenJournal> {
  const reached = postgresSettings(store, settings);
  const { PostgresJournalReader } = await import('../../../adapters/storage/postgres/postgres-journal-reader.ts');
  return PostgresJournalReader.open({ clock: new SystemClock() }, reached, options);
}

/** @throws CommandError 2 when it is on another machine, and no configuration says how it is reached. */
export function postgresSettings(
  { user, hosts, database, ...store }: PostgresStore,
  settings: ChosenJournal['postgres'],
): PostgresSettings {
  if (settings === undefined && !isOnThisMachine({ hosts, ...store })) {
    const how = 'name a configuration with journal.postgres.caFile by --config';
    throw new CommandError(EXIT.unreadable, `a database on another machine is read over TLS: ${how}`);
  }
  const reached = { statementTimeout: STATEMENT_TIMEOUT_MS, ...settings, maxConnections: CONNECTIONS };
  return { user, hosts, database, ...reached };
}
