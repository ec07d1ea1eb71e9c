// The rollback state of policy bundles as a row that all replicas change by comparing its revision: who was shown an older
// one is shown the newer and decides again.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { PolicyBundleState, RollbackState } from '../../../../ports/policy/policy-bundle-state.ts';
import type { Row } from '../../records.ts';
import type { Database } from './database.ts';

interface Options {
  readonly signal: AbortSignal;
}

interface Revised {
  /** 0 where there is no row. */
  readonly revision: number;
  readonly state: RollbackState | undefined;
}

/** Replicas that change it within one moment; each round one of them succeeds. */
const MAX_ROUNDS = 100;

const READ = `SELECT revision, name, sequence, digest, latest_seen_ms FROM policy_bundle_states WHERE trust = $1`;
/** Both give the row only when revision and state are those that were seen: a failover may have made another of the same revision. */
const CREATE = `INSERT INTO policy_bundle_states (trust, revision, name, sequence, digest, latest_seen_ms)
  VALUES ($1, $2 + 1, $3, $4, $5, $6) ON CONFLICT (trust) DO NOTHING RETURNING revision`;
const REPLACE = `UPDATE policy_bundle_states
  SET revision = $2 + 1, name = $3, sequence = $4, digest = $5, latest_seen_ms = $6
  WHERE trust = $1 AND revision = $2 AND (name, sequence, digest, latest_seen_ms) = ($7, $8, $9, $10) RETURNING revision`;

export class PostgresBundleState implements PolicyBundleState {
  readonly place: string;
  readonly #database: Database;
  readonly #trust: string;
  /** Changes of this process take turns, so that they need not compete. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param settings.trust whose bundles are counted together: the trust domain. */
  constructor({ database }: { readonly database: Database }, settings: { readonly trust: string }) {
    this.#database = database;
    this.#trust = settings.trust;
    this.place = 'the table policy_bundle_states';
  }

  async read(options: Options): Promise<RollbackState | undefined> {
    return (await this.#known(options)).state;
  }

  async update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: Options,
  ): Promise<RollbackState | undefined> {
    const turn = this.#turn.then(async () => this.#changed(change, options));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #changed(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: Options,
  ): Promise<RollbackState | undefined> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const known = await this.#known(options);
      const next = change(known.state);
      if (next === undefined) return known.state;
      if (await this.#wrote(next, known, options)) return next;
    }
    throw new AuthorityError('CAP-X03', { detail: `${this.place} was changed ${MAX_ROUNDS} times meanwhile` });
  }

  async #wrote(next: RollbackState, { revision, state }: Revised, options: Options): Promise<boolean> {
    const values = [this.#trust, revision, ...columnsOf(next)];
    const write =
      state === undefined
        ? this.#database.commit(CREATE, values, options)
        : this.#database.commit(REPLACE, [...values, ...columnsOf(state)], options);
    return (await this.#named(write)).length === 1;
  }

  /** Whoever reads of it looks for what became of a policy bundle. */
  async #named<T>(asked: Promise<T>): Promise<T> {
    return asked.catch((cause: unknown) => {
      if (!(cause instanceof AuthorityError)) throw cause;
      throw new AuthorityError(cause.reason, { detail: `${this.place} cannot be asked now`, cause });
    });
  }

  async #known({ signal }: Options): Promise<Revised> {
    signal.throwIfAborted();
    const [row] = await this.#named(this.#database.query(READ, [this.#trust], { signal }));
    return row === undefined
      ? { revision: 0, state: undefined }
      : { revision: Number(row['revision']), state: from(row) };
  }
}

function columnsOf({ name, sequence, digest, latestSeenMs }: RollbackState): readonly (string | number)[] {
  return [name, sequence, digest, Math.floor(latestSeenMs)];
}

function from(row: Row): RollbackState {
  return {
    name: String(row['name']),
    sequence: Number(row['sequence']),
    digest: String(row['digest']),
    latestSeenMs: Number(row['latest_seen_ms']),
  };
}
