// The chains of the journal in a PostgreSQL as they were at one moment: a connection of its own, in one snapshot.
import { CHAIN_KINDS, type ChainKind, type ChainPoint } from '../../../domain/audit/chain.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type {
  ChainReader,
  ChainState,
  StoredLink,
  StoredPoint,
  UnchainedRecord,
} from '../../../ports/audit/chain-reader.ts';
import { recordFrom } from '../chain-records.ts';
import type { Row } from '../records.ts';
import type { PostgresConnection } from './connection/postgres-connection.ts';
import type { PostgresPool } from './connection/postgres-pool.ts';
import { problemBehind } from './connection/postgres-problem.ts';
import {
  chainsAmong,
  linkFrom,
  openingOf,
  pointBefore,
  pointOf,
  selectLinks,
  selectUnchained,
  type AskRows,
} from './reading/chain-questions.ts';
import { LONG_MS, snapshot } from './reading/snapshot.ts';
import { CHAINS_SINCE_VERSION, MIGRATIONS } from './schema/migrations.ts';

interface Waits {
  readonly signal: AbortSignal;
}
type Lent = Awaited<ReturnType<typeof snapshot>>;

/** Records that are fetched at once: about a megabyte. */
const PAGE = 1_000;

export class PostgresChainReader implements ChainReader, AsyncDisposable {
  readonly #lent: Lent;
  /** Each cursor has a name of its own. */
  #cursors = 0;

  private constructor(lent: Lent) {
    this.#lent = lent;
  }

  /**
   * @param version of the schema.
   * @throws AuthorityError CAP-X03 for one without chains or of a newer Capstan; CAP-S04.
   */
  static async open(pool: PostgresPool, version: number, options: Waits): Promise<PostgresChainReader> {
    demandKnown(version);
    return new PostgresChainReader(await reading(options, async () => snapshot(pool, options)));
  }

  async chains(options: Waits): Promise<readonly ChainState[]> {
    return reading(options, async () => chainsAmong(this.#ask));
  }

  async pointOf(chain: string, sequence: number, options: Waits): Promise<StoredPoint | undefined> {
    return reading(options, async () => pointOf(this.#ask, chain, sequence));
  }

  async pointBefore(chain: string, timeMs: number, options: Waits): Promise<ChainPoint | undefined> {
    return reading(options, async () => pointBefore(this.#ask, chain, timeMs));
  }

  async *links(
    chain: string,
    { afterSequence, throughSequence }: Parameters<ChainReader['links']>[1],
    options: Waits,
  ): AsyncGenerator<StoredLink, void, undefined> {
    const opening = await reading(options, async () => openingOf(this.#ask, chain));
    if (opening === undefined) return;
    const { kind } = opening;
    for await (const row of this.#rows(selectLinks(kind), [chain, afterSequence, throughSequence], options)) {
      yield linkFrom(kind, row);
    }
  }

  async *unchained(options: Waits): AsyncGenerator<UnchainedRecord, void, undefined> {
    for (const kind of CHAIN_KINDS) yield* this.#unchained(kind, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lent[Symbol.asyncDispose]();
  }

  get #connection(): PostgresConnection {
    return this.#lent.connection;
  }

  readonly #ask: AskRows = async (text, values) => this.#connection.query({ text, values }, LONG_MS);

  async *#unchained(kind: ChainKind, options: Waits): AsyncGenerator<UnchainedRecord, void, undefined> {
    for await (const row of this.#rows(selectUnchained(kind), [], options)) {
      yield { kind, record: recordFrom(kind, row) };
    }
  }

  async *#rows(
    select: string,
    values: readonly (string | number)[],
    options: Waits,
  ): AsyncGenerator<Row, void, undefined> {
    const cursor = `scan_${(this.#cursors += 1)}`;
    await reading(options, async () => this.#ask(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${select}`, values));
    for (let fetched = PAGE; fetched === PAGE;) {
      const rows = await reading(options, async () => this.#ask(`FETCH ${PAGE} FROM ${cursor}`, []));
      yield* rows;
      fetched = rows.length;
    }
    await reading(options, async () => this.#ask(`CLOSE ${cursor}`, []));
  }
}

function demandKnown(version: number): void {
  const [known, first] = [MIGRATIONS.length, CHAINS_SINCE_VERSION];
  if (version >= first && version <= known) return;
  const has = `the database has schema version ${version}`;
  const why =
    version < first
      ? `${has}, from before records were linked: a server of this version brings it to ${known}`
      : `${has}, and this Capstan knows ${known}: what its records are linked by only the newer Capstan can tell`;
  throw new AuthorityError('CAP-X03', { detail: why });
}

async function reading<T>({ signal }: Waits, question: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await question();
  } catch (cause) {
    signal.throwIfAborted();
    throw problemBehind(cause)?.toOpeningError() ?? cause;
  }
}
