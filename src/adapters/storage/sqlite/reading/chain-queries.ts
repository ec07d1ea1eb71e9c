// What is asked of the journal's file about its chains. Synchronous, as the other questions are.
import { CHAIN_KINDS, openingPoint, type ChainOpening, type ChainPoint } from '../../../../domain/audit/chain.ts';
import type { ChainState, StoredLink, StoredPoint, UnchainedRecord } from '../../../../ports/audit/chain-reader.ts';
import { chainStateFrom, recordFrom, selectChains } from '../../chain-records.ts';
import type { Row } from '../../records.ts';
import { CHAINS_SINCE_VERSION, SELECT_OPENING, selectPoint } from '../file/chain-schema.ts';
import type { ReadableJournal } from '../file/journal-file.ts';
import { journalProblem, JournalProblem } from '../file/journal-problem.ts';
import { SCHEMA_VERSION } from '../file/journal-schema.ts';
import { KINDS_SINCE_VERSION, selectLinks, selectUnchained } from './chain-questions.ts';

type Read = <T>(question: (journal: ReadableJournal) => T) => T;

/** Every method throws JournalProblem, naming the file; also for one of a newer Capstan, whose records may say more. */
export class ChainQueries {
  readonly #file: string;
  readonly #read: Read;

  constructor(file: string, read: Read) {
    this.#file = file;
    this.#read = read;
  }

  /** From now on the handle sees the file as it is now. */
  hold(): void {
    this.#read(({ database }) => database.exec('BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1'));
  }

  chains(): readonly ChainState[] {
    return this.#known(({ database, version }) => {
      if (version < CHAINS_SINCE_VERSION) return [];
      return CHAIN_KINDS.flatMap((kind) => database.prepare(selectChains(kind)).all().map(chainStateFrom));
    });
  }

  pointOf(chain: string, sequence: number): StoredPoint | undefined {
    const opening = this.#openingOf(chain);
    if (opening === undefined) return undefined;
    if (sequence === 0) return { ...openingPoint(opening), timeMs: opening.openedMs };
    const row = this.#known(({ database }) => database.prepare(selectPoint(opening.kind)).get(chain, sequence));
    return row === undefined ? undefined : { ...pointFrom(row), timeMs: Number(row['timeMs']) };
  }

  /** By halves, as the times of a chain rise but where clocks were wrong. */
  pointBefore(chain: string, timeMs: number): ChainPoint | undefined {
    const state = this.chains().find(({ opening }) => opening.chain === chain);
    if (state === undefined) return undefined;
    const { opening, last, removed = openingPoint(opening) } = state;
    let [before, from] = [removed, last.sequence + 1];
    while (from - before.sequence > 1) {
      const middle = Math.floor((before.sequence + from) / 2);
      const point = this.pointOf(chain, middle);
      if (point !== undefined && point.timeMs < timeMs) before = { sequence: middle, digest: point.digest };
      else from = middle;
    }
    return before;
  }

  *links(chain: string, afterSequence: number, throughSequence: number): Generator<StoredLink, void, undefined> {
    const opening = this.#openingOf(chain);
    if (opening === undefined) return;
    const { kind } = opening;
    const rows = this.#known(({ database, version }) =>
      database.prepare(selectLinks(kind, version)).iterate(chain, afterSequence, throughSequence),
    );
    for (const row of this.#each(rows)) {
      const { chainSequence, chainDigest, ...fields } = row;
      yield { sequence: Number(chainSequence), digest: String(chainDigest), record: recordFrom(kind, fields) };
    }
  }

  *unchained(): Generator<UnchainedRecord, void, undefined> {
    for (const kind of CHAIN_KINDS) {
      const rows = this.#known(({ database, version }) =>
        version < KINDS_SINCE_VERSION[kind] ? [] : database.prepare(selectUnchained(kind, version)).iterate(),
      );
      for (const row of this.#each(rows)) yield { kind, record: recordFrom(kind, row) };
    }
  }

  #openingOf(chain: string): ChainOpening | undefined {
    const row = this.#known(({ database, version }) =>
      version < CHAINS_SINCE_VERSION ? undefined : database.prepare(SELECT_OPENING).get(chain),
    );
    return row === undefined ? undefined : (JSON.parse(String(row['opening'])) as ChainOpening);
  }

  #known<T>(question: (journal: ReadableJournal) => T): T {
    return this.#read((journal) => {
      if (journal.version <= SCHEMA_VERSION) return question(journal);
      const what = `the journal ${this.#file} has schema version ${journal.version}, and this Capstan knows ${SCHEMA_VERSION}`;
      throw new JournalProblem('file', `${what}: what its records are linked by only the newer Capstan can tell`);
    });
  }

  *#each(rows: Iterable<Row>): Generator<Row, void, undefined> {
    try {
      yield* rows;
    } catch (cause) {
      throw journalProblem(this.#file, cause);
    }
  }
}

function pointFrom(row: Row): ChainPoint {
  return { sequence: Number(row['sequence']), digest: String(row['digest']) };
}
