// Issuers with a CA above them that signs by itself: at the first start and in time before a certificate ends. Of several processes
// the one in slot 1 does it, and the others follow the files, or what the supervisor keeps in memory.
import { IssuerRollover } from '../../../authority/chores/rollover/issuer-rollover.ts';
import type { Config } from '../../../config/schema.ts';
import { isInMemory } from '../../../config/shapes/issuer.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Authorship } from '../../../domain/trust/issuer-ledger.ts';
import type { IssuerGenerations, IssuerPair, IssuerPairs } from '../../../ports/issuing/issuer-generations.ts';
import { degradedBy, notReadyBy, type HealthState } from '../../../ports/platform/health.ts';
import type { FormerIssuers } from '../../../ports/storage/issuer-records.ts';
import type { Foundation } from '../foundation.ts';
import type { Trust } from './trust.ts';
import type { UpstreamOf } from './upstreams.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface Rollovers {
  /** Begins to roll over, until the signal aborts. */
  readonly start: (options: Waits) => void;
  /**
   * Resolves when the default issuer has a certificate, however long its CA takes; at once without an upstream.
   * @throws AuthorityError CAP-X03 when the files cannot be read; the signal's reason.
   */
  readonly first: (options: Waits) => Promise<void>;
  /** @throws AuthorityError CAP-O02 for an issuer without an upstream. */
  readonly demand: (name: string) => void;
  /** @throws AuthorityError CAP-O02 for an issuer without an upstream; as `IssuerRollover.rotate`. */
  readonly rotate: (
    name: string,
    how: { readonly activate: boolean },
    by: Authorship,
    options: Waits,
  ) => Promise<IssuerPairs>;
}

/** Between looks of a process that waits for another one to fill the folder. */
const LOOK_MS = 500;

export function composeRollovers(
  config: Config,
  { clock, settled, events, health, telemetry, worker }: Foundation,
  parts: Pick<Trust, 'ledger'> & {
    readonly former: FormerIssuers;
    readonly generations: IssuerGenerations;
    readonly upstreamOf: UpstreamOf;
    readonly heldBack: (pair: IssuerPair) => string | undefined;
    readonly onRelease: (listener: () => void, options: Waits) => void;
  },
): Rollovers {
  const { issuer, additionalIssuers, lifetimes, journal } = config;
  const acts = worker === undefined || worker.slot === 1;
  const rollovers = new Map(
    [{ ...issuer, maxTtl: undefined }, ...additionalIssuers].flatMap(({ maxTtl = Infinity, ...place }) => {
      const { name, upstream } = place;
      if (upstream === undefined) return [];
      const { lifetime: lifetimeMs, prepareAt, activateAt } = upstream;
      const longestLeafMs = Math.min(lifetimes.max, maxTtl);
      const inMemory = isInMemory(place) ? { shared: journal.store.kind === 'postgres' } : undefined;
      const settings = { name, lifetimeMs, prepareAt, activateAt, longestLeafMs, inMemory };
      const own = new IssuerRollover(
        { ...parts, upstream: parts.upstreamOf(name, upstream), clock, settled, events },
        settings,
      );
      return [[name, own] as const];
    }),
  );
  if (acts && rollovers.size > 0) {
    health.report('issuer upstreams', () => healthOf(rollovers, issuer.name));
    telemetry.observeRollovers(() =>
      [...rollovers].map(([name, one]) => ({ name, due: one.due(), failingMs: one.failingMs })),
    );
  }
  const demanded = (name: string): IssuerRollover => {
    const own = rollovers.get(name);
    if (own !== undefined) return own;
    const detail = `issuer ${name} has no \`upstream\`: capstan issuer csr and import are its way`;
    throw new AuthorityError('CAP-O02', { detail });
  };
  return {
    start: (options) => {
      if (acts) for (const one of rollovers.values()) void one.run(options);
    },
    first: async ({ signal }) => {
      if (issuer.upstream === undefined) return;
      for (;;) {
        const { current } = await parts.generations.look(issuer.name, { signal });
        if (current !== undefined && clock.nowMs() < current.notAfterMs) return;
        await clock.sleep(LOOK_MS, { signal });
      }
    },
    demand: (name) => void demanded(name),
    rotate: async (name, how, by, options) => demanded(name).rotate(how, by, options),
  };
}

/** Not ready while the default issuer has nothing to sign with. */
function healthOf(rollovers: ReadonlyMap<string, IssuerRollover>, first: string): HealthState {
  const problems = [...rollovers.values()].flatMap((one) => one.problem() ?? []);
  const problem = problems.length === 0 ? undefined : problems.join('; ');
  return rollovers.get(first)?.lacks === true ? notReadyBy(problem) : degradedBy(problem);
}
