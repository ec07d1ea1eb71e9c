// A ledger of an embedded store: it lies in a file, and the records of what changed it go into the journal after it. What a
// crash or a full disk leaves between them is recorded by a later look.
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import { isSameRevision, type Ledgers, type Revised, type Revision } from '../../../ports/storage/ledgers.ts';
import type { OperationJournal, OperationRecord } from '../../../ports/storage/operation-journal.ts';
import type { LedgerFile, LedgerHead } from './file-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface JournaledLedgerParts<L> {
  readonly file: LedgerFile<L>;
  readonly journal: OperationJournal;
}

export class JournaledLedger<L> implements Ledgers<L> {
  readonly #parts: JournaledLedgerParts<L>;
  readonly #recordsForOthers: boolean;
  /** Records on their way into the journal from here; each is there for as long as one call. */
  readonly #recording = new Set<string>();
  /** Revision of the last look: each begins with `revision`. */
  #seen = -1;

  /** @param settings.recordsForOthers whether this process records what another one left: of several, one does. */
  constructor(parts: JournaledLedgerParts<L>, settings: { readonly recordsForOthers: boolean }) {
    this.#parts = parts;
    this.#recordsForOthers = settings.recordsForOthers;
  }

  async revision(options: Waits): Promise<Revision> {
    const head = await this.#parts.file.head(options);
    this.#recordWhatIsLeft(head, options);
    return { number: head.revision };
  }

  async read(options: Waits): Promise<Revised<L>> {
    const { revision, ledger } = await this.#parts.file.read(options);
    return { revision: { number: revision }, ledger };
  }

  async replace(
    revision: Revision,
    next: L,
    operation: OperationRecord,
    options: Waits,
  ): Promise<Revision | undefined> {
    const { file } = this.#parts;
    const head = await file.head(options);
    if (!isSameRevision({ number: head.revision }, revision)) return undefined;
    const unrecorded = [...head.unrecorded, operation];
    const number = revision.number + 1;
    if (!(await file.replace({ revision: number, ledger: next, unrecorded }, options))) return undefined;
    await this.#record(operation, options);
    return { number };
  }

  /** Who changed the ledger has recorded it before the second look at the same revision, or is gone, or cannot. */
  #recordWhatIsLeft({ revision, unrecorded }: LedgerHead, options: Waits): void {
    if (!this.#recordsForOthers) return;
    const again = revision === this.#seen;
    this.#seen = revision;
    if (again) for (const record of unrecorded) void this.#record(record, options);
  }

  async #record(record: OperationRecord, options: Waits): Promise<void> {
    const key = canonicalJson(record);
    if (this.#recording.has(key)) return;
    this.#recording.add(key);
    try {
      await this.#parts.journal.recordOperation(record, options);
      await this.#takeOut(key, options);
    } catch {
      // It stays in the file for a later look; the journal says by itself that it cannot be written.
    } finally {
      this.#recording.delete(key);
    }
  }

  /** Each turn that fails is a change by another process. */
  async #takeOut(key: string, options: Waits): Promise<void> {
    const { file } = this.#parts;
    for (let done = false; !done;) {
      const { revision, ledger, unrecorded } = await file.read(options);
      const rest = unrecorded.filter((record) => canonicalJson(record) !== key);
      done = rest.length === unrecorded.length;
      done ||= await file.replace({ revision: revision + 1, ledger, unrecorded: rest }, options);
    }
  }
}
