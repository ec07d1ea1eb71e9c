// An SQLite store, as a backup is put back into it: what none of its journals has goes into the first of them. It imports much because
// every kind of record comes back.
import { existsSync, realpathSync } from 'node:fs';
import type { StatementSync } from 'node:sqlite';
import type { ChainKind } from '../../../domain/audit/chain.ts';
import type { KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainState } from '../../../ports/audit/chain-reader.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import { journalsOf, slotFile } from '../slots/journal-slots.ts';
import { SELECT_LAST_HEADS } from '../sqlite/file/head-schema.ts';
import { openForReading, type ReadableJournal } from '../sqlite/file/journal-file.ts';
import { JournalLock } from '../sqlite/file/journal-lock.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';
import { CLOSING_KEY } from '../closing-records.ts';
import { OPERATION_COLUMNS, operationValues } from '../records.ts';
import { JournalWriter } from '../sqlite/writing/journal-writer.ts';
import type { KeptIssuer, RestoredStore } from './copied-store.ts';
import type { KeptLedgers } from './kept-ledgers.ts';
import type { PlacedRecord, RecordOfKind } from './placed-records.ts';
import { joinBeside } from './ledgers-beside.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const HAS: Readonly<Record<ChainKind, string>> = {
  decision: 'SELECT 1 FROM decisions WHERE decision_id = ?',
  operation: `SELECT 1 FROM operations WHERE ${whereSame(Object.values(OPERATION_COLUMNS), 'IS')}`,
  closing: `SELECT 1 FROM closings WHERE ${whereSame(CLOSING_KEY, '=')}`,
};
/** By what a record is known, as parameters of `HAS`. */
const KEYS: { readonly [Kind in ChainKind]: (record: RecordOfKind[Kind]) => readonly (string | number | null)[] } = {
  decision: ({ decisionId }) => [decisionId],
  operation: operationValues,
  closing: ({ podUid, serviceAccountUid = '', identity, remoteCluster = '' }) => [
    podUid,
    serviceAccountUid,
    identity,
    remoteCluster,
  ],
};

/** One journal of the store, in which nobody else writes. */
interface OwnJournal extends Disposable {
  readonly writer: JournalWriter;
  readonly has: Readonly<Record<ChainKind, StatementSync>>;
  readonly lastHeads: StatementSync;
}

export class RestoredSqliteStore implements RestoredStore {
  readonly #file: string;
  /** The first is written. */
  readonly #journals: readonly [OwnJournal, ...OwnJournal[]];
  readonly #resources: DisposableStack;

  private constructor(file: string, journals: readonly [OwnJournal, ...OwnJournal[]], resources: DisposableStack) {
    this.#file = file;
    this.#journals = journals;
    this.#resources = resources;
  }

  /**
   * Makes the journals that are lost, empty.
   * @throws AuthorityError CAP-X03 naming a journal that a server has, or that is of no use; CAP-S04.
   */
  static open(file: string): RestoredSqliteStore {
    using resources = new DisposableStack();
    try {
      const [first = slotFile(file, 1), ...others] = journalsOf(file);
      const own = (journal: string): OwnJournal => resources.use(ownJournal(journal));
      // A supervisor has the store's own lock also where none of its processes writes the file itself.
      if (![first, ...others].includes(file)) resources.use(JournalLock.take(fileItself(file)));
      const store = new RestoredSqliteStore(file, [own(first), ...others.map(own)], resources.move());
      return store;
    } catch (cause) {
      throw journalProblem(file, cause).toOpeningError();
    }
  }

  async addChains(chains: readonly ChainState[], { signal }: Waits): Promise<void> {
    this.#adding(signal, ([{ writer }]) => writer.mergeChains(chains));
  }

  async addRecords<Kind extends ChainKind>(
    kind: Kind,
    records: readonly PlacedRecord<Kind>[],
    { signal }: Waits,
  ): Promise<number> {
    return this.#adding(signal, ([{ writer }]) => {
      const lacking = records.filter(({ record }) => !this.#has(kind, KEYS[kind](record as never)));
      if (lacking.length > 0) writer.restore(kind, lacking);
      return lacking.length;
    });
  }

  async newestHead({ signal }: Waits): Promise<string | undefined> {
    return this.#adding(signal, (journals) => {
      const heads = journals.flatMap(({ lastHeads }) => lastHeads.all(1));
      const [newest] = heads.toSorted((a, b) => Number(b['timeMs']) - Number(a['timeMs']));
      return newest && String(newest['digest']);
    });
  }

  async addHeads(heads: readonly KeptHead[], { signal }: Waits): Promise<void> {
    this.#adding(signal, ([{ writer }]) => writer.keepHeads(heads));
  }

  async addIssuers(issuers: readonly KeptIssuer[], { signal }: Waits): Promise<void> {
    this.#adding(signal, ([{ writer }]) => writer.mergeIssuers(issuers));
  }

  async addEvidence(notes: EvidenceNotes, { signal }: Waits): Promise<void> {
    this.#adding(signal, ([{ writer }]) => writer.recordEvidence(notes));
  }

  async addLedgers(
    kept: readonly KeptLedgers[],
    options: Waits & { readonly trust: string | undefined },
  ): Promise<number> {
    return joinBeside(this.#file, kept, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#resources.dispose();
  }

  #has(kind: ChainKind, key: readonly (string | number | null)[]): boolean {
    return this.#journals.some(({ has }) => has[kind].get(...key) !== undefined);
  }

  #adding<T>(signal: AbortSignal, add: (journals: readonly [OwnJournal, ...OwnJournal[]]) => T): T {
    signal.throwIfAborted();
    try {
      return add(this.#journals);
    } catch (cause) {
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }
}

/** @param name of the journal, or of a link to it: its lock lies beside the file itself. */
function ownJournal(name: string): OwnJournal {
  using resources = new DisposableStack();
  const isNew = !existsSync(name);
  const journal = fileItself(name);
  const lock = resources.use(JournalLock.take(journal));
  // The server that did not close it left it to be looked through; the next one still has to.
  const unchecked = lock.found === 'open' && !isNew;
  const writer = new JournalWriter({ file: journal });
  resources.defer(() => writer.close());
  writer.open();
  lock.begin();
  const { database } = resources.adopt(openForReading(journal), ({ database: open }: ReadableJournal) => open.close());
  const has = {
    decision: database.prepare(HAS.decision),
    operation: database.prepare(HAS.operation),
    closing: database.prepare(HAS.closing),
  };
  const lastHeads = database.prepare(SELECT_LAST_HEADS);
  const owned = resources.move();
  return {
    writer,
    has,
    lastHeads,
    [Symbol.dispose]() {
      if (!unchecked) lock.end();
      owned.dispose();
    },
  };
}

function whereSame(columns: readonly string[], same: '=' | 'IS'): string {
  return columns.map((column) => `${column} ${same} ?`).join(' AND ');
}

function fileItself(name: string): string {
  return existsSync(name) ? realpathSync(name) : name;
}
