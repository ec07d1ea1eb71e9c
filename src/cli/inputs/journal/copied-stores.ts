// The store that a backup is made of or put back into, with the rollback state of policy bundles that belongs to it.
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import type { PostgresSettings } from '../../../adapters/storage/postgres/connection/settings.ts';
import type { CopiedStore, RestoredStore } from '../../../adapters/storage/backup/copied-store.ts';
import type { PolicyBundleState } from '../../../ports/policy/policy-bundle-state.ts';
import { journalToList, type ChosenJournal, type JournalChoice } from '../../options/journal-options.ts';
import type { Invocation } from '../../invocation.ts';
import { Progress } from '../../progress.ts';
import { readConfig } from '../read-config.ts';
import { postgresSettings } from './open-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** What a server keeps. */
export interface Kept {
  readonly journal: ChosenJournal;
  /** The trust domain, known by a configuration alone. */
  readonly trust?: string;
  /** As this is: the file, or in a shared store the trust domain whose bundles are counted together. */
  readonly bundles?: { readonly stateFile: string | undefined; readonly trust: string };
}

/** @returns nothing when the configuration that names it is invalid, after saying why; the command then ends with 78. */
export function keptBy(choice: JournalChoice, invocation: Invocation): Kept | undefined {
  if (choice.journal !== undefined || choice.config === undefined) {
    const journal = journalToList(choice, invocation);
    return journal && { journal };
  }
  const config = readConfig(choice.config, invocation);
  if (config === undefined) return undefined;
  const { journal, policy, trustDomain: trust } = config;
  const { stateFile, unsigned } = policy.bundle;
  return { journal, trust, ...(!unsigned && { bundles: { stateFile, trust } }) };
}

/** @throws AuthorityError as readers of a journal. */
export async function storeToCopy({ store, postgres }: ChosenJournal, options: Waits): Promise<CopiedStore> {
  if (store.kind === 'postgres') {
    const { copyPostgresStore } = await import('../../../adapters/storage/backup/copied-postgres-store.ts');
    return copyPostgresStore({ clock: new SystemClock() }, postgresSettings(store, postgres), options);
  }
  const { copySqliteStore } = await import('../../../adapters/storage/backup/copied-sqlite-store.ts');
  return copySqliteStore(store.file, options);
}

/** @throws AuthorityError CAP-X03 also when a server uses it. */
export async function storeToRestore({ store, postgres }: ChosenJournal, options: Waits): Promise<RestoredStore> {
  if (store.kind === 'postgres') {
    const { RestoredPostgresStore } = await import('../../../adapters/storage/backup/restored-postgres-store.ts');
    return RestoredPostgresStore.open({ clock: new SystemClock() }, postgresSettings(store, postgres), options);
  }
  const { RestoredSqliteStore } = await import('../../../adapters/storage/backup/restored-sqlite-store.ts');
  return RestoredSqliteStore.open(store.file);
}

/** Asked once the store is open: where it is a database, that has made the table. */
export async function bundleStateOf({
  journal,
  bundles,
}: Kept): Promise<(PolicyBundleState & AsyncDisposable) | undefined> {
  if (bundles === undefined) return undefined;
  const { store, postgres } = journal;
  if (store.kind === 'postgres') return sharedState(postgresSettings(store, postgres), bundles.trust);
  if (bundles.stateFile === undefined) return undefined;
  const { FileBundleState } = await import('../../../adapters/policy/bundle/file-bundle-state.ts');
  return Object.assign(new FileBundleState(bundles.stateFile), { [Symbol.asyncDispose]: async () => undefined });
}

async function sharedState(settings: PostgresSettings, trust: string): Promise<PolicyBundleState & AsyncDisposable> {
  const [{ PostgresPool }, { PostgresBundleState }] = await Promise.all([
    import('../../../adapters/storage/postgres/connection/postgres-pool.ts'),
    import('../../../adapters/storage/postgres/shared/postgres-bundle-state.ts'),
  ]);
  const database = new PostgresPool({ clock: new SystemClock() }, { ...settings, maxConnections: 1 });
  const state = new PostgresBundleState({ database }, { trust });
  return Object.assign(state, { [Symbol.asyncDispose]: async () => database[Symbol.asyncDispose]() });
}

/** Shows how many decisions are done. */
export function copyingProgress(
  { terminal, clock }: Invocation,
  lines: boolean,
): { readonly reach: (done: number, total: number) => void } & Disposable {
  let bar: Progress | undefined;
  return {
    reach(done, total) {
      bar ??= new Progress({ terminal, clock }, { what: 'decisions', total, lines });
      bar.reach(done);
    },
    [Symbol.dispose]: () => bar?.end(),
  };
}
