// The rollback state of policy bundles, which the supervisor keeps for its workers. A change is a function and cannot cross
// between processes: a worker says from which state to which, and does it again when another was faster.
import { AuthorityError } from '../../../domain/errors.ts';
import type { PolicyBundleState, RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import type { Json, Link } from '../link.ts';

const READ_TOPIC = 'bundle-state/read';
const REPLACE_TOPIC = 'bundle-state/replace';

/** Each attempt in vain is another worker's success: more than a server has at one moment. */
const MAX_ATTEMPTS = 100;

type Known = RollbackState | null;

interface Replacement {
  readonly known: Known;
  readonly next: RollbackState;
}

interface Replaced {
  readonly done: boolean;
  readonly state: Known;
}

/** At the supervisor's end. */
export function serveBundleState(link: Link, kept: PolicyBundleState): void {
  link.serve(READ_TOPIC, async (_body, options) => asJson((await kept.read(options)) ?? null));
  link.serve(REPLACE_TOPIC, async (body, options) => {
    const { known, next } = body as unknown as Replacement;
    let done = false;
    const replace = (current: RollbackState | undefined): RollbackState | undefined => {
      done = isSame(current, known ?? undefined);
      return done ? next : undefined;
    };
    const state = (await kept.update(replace, options)) ?? null;
    return asJson({ done, state } satisfies Replaced);
  });
}

/** At a worker's end. */
export class RelayedBundleState implements PolicyBundleState {
  readonly place: string;
  readonly #link: Link;

  /** @param place as the supervisor's state is called. */
  constructor(link: Link, place: string) {
    this.#link = link;
    this.place = place;
  }

  async read(options: { readonly signal: AbortSignal }): Promise<RollbackState | undefined> {
    return ((await this.#link.ask(READ_TOPIC, null, options)) as unknown as Known) ?? undefined;
  }

  async update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<RollbackState | undefined> {
    let known = await this.read(options);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const next = change(known);
      if (next === undefined) return known;
      const replacement: Replacement = { known: known ?? null, next };
      const answer = await this.#link.ask(REPLACE_TOPIC, asJson(replacement), options);
      const { done, state } = answer as unknown as Replaced;
      known = state ?? undefined;
      if (done) return known;
    }
    throw new AuthorityError('CAP-X03', { detail: `${this.place} is changed by other processes all the time` });
  }
}

function isSame(a: RollbackState | undefined, b: RollbackState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.name === b.name && a.sequence === b.sequence && a.digest === b.digest && a.latestSeenMs === b.latestSeenMs;
}

function asJson(value: Known | Replacement | Replaced): Json {
  return value as unknown as Json;
}
