// The pages an operator's probes, scrapers and drift checks read. Nothing here reveals a key, a token or
// an identity, and nothing can be changed through it. A stranger learns whether the server is alive and ready, and no more.
import { Hono, type Context } from 'hono';
import type { PolicyDrift } from '../../../domain/policy/history/policy-drift.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { PartHealth } from '../../../ports/platform/health.ts';

/** Which policies are in force: names and digests, not what they say. */
export interface PolicyInForce {
  readonly revision: string;
  readonly bundle: { readonly name: string; readonly sequence: number; readonly digest: string };
  readonly policies: readonly {
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly digest: string;
  }[];
  /** How that compares with what should be in force; absent where nothing says so, or before the first look. */
  readonly drift?: PolicyDriftSeen;
  /** Live certificates that it would refuse today; absent where another server judges them, or nobody has yet. */
  readonly certificates?: CertificatesJudged;
  /** Owners whose files are not what is in force, and what is instead; absent when there are none. */
  readonly outOfDate?: readonly {
    readonly owner: string;
    readonly state: 'last good' | 'refused' | 'not kept';
    readonly problem: string;
  }[];
  /** Kinds of objects that policies name and of which nothing can be said, and why; absent when there are none. */
  readonly unseen?: readonly {
    /** Absent, of the own cluster. */
    readonly remoteCluster?: string;
    readonly kind: string;
    readonly apiVersion?: string;
    readonly why: string;
  }[];
  /** Who judges by what, while the workers of a server differ: for a moment after a change. */
  readonly workers?: readonly { readonly worker: number; readonly revision: string }[];
}

export interface PolicyDriftSeen {
  /** In ms since the epoch. */
  readonly asOfMs: number;
  /** Commit of the checkout, as far as it is known. */
  readonly gitRevision?: string;
  /** Commit whose policies are those in force; absent when they are those of none that this server saw. */
  readonly gitRevisionInForce?: string;
  /** Why the checkout cannot be read; the rest is from before then. */
  readonly problem?: string;
  readonly count: number;
  /** The first of them. */
  readonly policies: readonly {
    readonly title: string;
    readonly drift: PolicyDrift['drift'];
    /** What would change if what should be in force were; for operators only, as it says what policies say. */
    readonly fields?: readonly { readonly field: string; readonly before: string; readonly after: string }[];
    /** All of them, of which `fields` are the first. */
    readonly fieldCount?: number;
  }[];
}

/** Live certificates, put to the policies of a revision. */
export interface CertificatesJudged extends CertificateCounts {
  /** The first of those refused, by name; for operators only. */
  readonly listed?: readonly RefusedToday[];
  /** Those of namespaces whose policies changed since, before all are judged by them; absent where there are none. */
  readonly ahead?: JudgedAhead;
  /** How far it is with judging all of them, again or still; absent between two rounds. */
  readonly progress?: {
    /** When it was begun, in ms since the epoch. */
    readonly asOfMs: number;
    readonly revision: string;
    /** Entries of the inventory that were read, of so many. */
    readonly entries: number;
    readonly of: number;
  };
}

export interface JudgedAhead extends CertificateCounts {
  readonly namespaces: readonly string[];
  readonly listed?: readonly RefusedToday[];
}

export interface CertificateCounts {
  /** When it was begun, in ms since the epoch. */
  readonly asOfMs: number;
  readonly revision: string;
  /** Whether all of them were judged; else it goes on. */
  readonly isComplete: boolean;
  readonly live: number;
  readonly refused: number;
  /** It depends on what is not known of the cluster now, such as a pod that is gone. */
  readonly undecided: number;
  /** Issued without policy, or nothing is on record of what was asked. */
  readonly leftOut: number;
  /** Of those refused, by the code of the first reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface RefusedToday {
  readonly identity: string;
  readonly serial: string;
  readonly notAfterMs: number;
  /** That issued it. */
  readonly decision: string;
  /** A newcomer would be refused, and who holds it is renewed for now. */
  readonly renewable: boolean;
  readonly reason: string;
  /** Policy and field. */
  readonly where: string;
  /** What was asked, what is allowed, what would pass. */
  readonly words: string;
}

export interface Observed {
  readonly health: () => readonly PartHealth[] | Promise<readonly PartHealth[]>;
  /** @returns nothing before the first revision is loaded. */
  readonly policy: () => PolicyInForce | undefined | Promise<PolicyInForce | undefined>;
  /** @returns the metrics in the Prometheus text format. */
  readonly collect: () => Promise<string>;
  readonly readers: Readers;
  readonly events: Pick<Events, 'unexpected'>;
}

/** Who reads what. The environment is as @hono/node-server hands it to each request, or as the routes are asked with. */
export interface Readers {
  readonly mayRead: (environment: unknown) => boolean;
  /** Hears of each request for a page that is not open. */
  readonly note: (environment: unknown, outcome: { readonly refused: boolean }) => void;
}

export type ObservationRoutes = Hono;

/** Pages that a stranger may ask for too. */
export const OPEN_PAGES: readonly string[] = ['/healthz', '/readyz'];
/** Pages that name policies, parts and numbers of this server. */
const CLOSED_PAGES = ['/policy', '/metrics'];

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

export function observationRoutes({ health, policy, collect, readers, events }: Observed): ObservationRoutes {
  const routes = new Hono();
  routes.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
  });
  routes.get('/healthz', (c) => c.json({ status: 'alive' }));
  routes.get('/readyz', async (c) => {
    const parts = await health();
    const ready = parts.every(({ state }) => state !== 'not ready');
    return c.json({ ready, ...(readers.mayRead(c.env) && troubles(parts)) }, ready ? 200 : 503);
  });
  for (const page of CLOSED_PAGES) {
    routes.use(page, async (c, next) => {
      const refused = !readers.mayRead(c.env);
      readers.note(c.env, { refused });
      return refused ? c.json(ELSEWHERE, 403) : next();
    });
  }
  routes.get('/policy', async (c) => {
    const inForce = await policy();
    return inForce === undefined ? c.json({ error: 'no policy is loaded' }, 503) : c.json(withoutTexts(inForce));
  });
  routes.get('/metrics', async (c) => c.body(await collect(), 200, { 'content-type': PROMETHEUS_TEXT }));
  for (const path of [...OPEN_PAGES, ...CLOSED_PAGES]) routes.all(path, refuseMethod);
  routes.notFound((c) => c.json({ error: 'not found' }, 404));
  routes.onError((cause, c) => {
    events.unexpected({ where: 'http', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}

/** Names and digests of policies alone, and numbers of certificates. */
function withoutTexts({ drift, certificates, ...inForce }: PolicyInForce): PolicyInForce {
  const policies = drift?.policies.map(({ title, drift: kind }) => ({ title, drift: kind })) ?? [];
  return {
    ...inForce,
    ...(drift !== undefined && { drift: { ...drift, policies } }),
    ...(certificates !== undefined && { certificates: numbersOf(certificates) }),
  };
}

function numbersOf({ ahead, progress, ...judged }: CertificatesJudged): CertificatesJudged {
  return {
    ...countsOf(judged),
    ...(ahead !== undefined && { ahead: { ...countsOf(ahead), namespaces: ahead.namespaces } }),
    ...(progress !== undefined && { progress }),
  };
}

function countsOf(judged: CertificateCounts): CertificateCounts {
  const { asOfMs, revision, isComplete, live, refused, undecided, leftOut, reasons } = judged;
  return { asOfMs, revision, isComplete, live, refused, undecided, leftOut, reasons };
}

/** No credential would open it here: none is to cross the network in the clear. */
const ELSEWHERE = {
  error: 'this page is read on loopback by its address, or over TLS with a credential where listen.metrics.address is',
};

function troubles(parts: readonly PartHealth[]) {
  const unready = inState(parts, 'not ready');
  const degraded = inState(parts, 'degraded');
  return { ...(unready.length > 0 && { unready }), ...(degraded.length > 0 && { degraded }) };
}

function inState(parts: readonly PartHealth[], wanted: 'degraded' | 'not ready') {
  return parts.flatMap((one) => {
    if (one.state !== wanted) return [];
    const { part, worker, why } = one;
    return [{ part, ...(worker !== undefined && { worker }), why }];
  });
}

function refuseMethod(c: Context): Response {
  return c.json({ error: 'method not allowed' }, 405, { allow: 'GET, HEAD' });
}
