// The key of heads, the last head, and the signed end of an export: who may look at records may have them proven.
import { z } from 'zod';
import type { Acceptance, Accepting } from '../../../../authority/audit/head-continuity.ts';
import type { AnsweredEnd, AskedEnd } from '../../../../authority/audit/export-ends.ts';
import type { Operator } from '../../../../authority/administration/issuer-acts.ts';
import { demandRole, type AdministrationPart } from '../administration.ts';
import { bodyOf, reason } from '../body.ts';

export interface AuditStatus {
  /** PEM; absent where no key is configured. */
  readonly publicKey?: string;
  /** The last one, whoever made it. */
  readonly head?: { readonly timeMs: number; readonly digest: string };
  /** Why heads are late, where this server makes them and they are. */
  readonly problem?: string;
}

/** Why this server signs no ends. */
export interface Unsigned {
  readonly unsigned: string;
}

export interface AuditParts {
  readonly status: () => Promise<AuditStatus>;
  readonly accept: (by: Accepting) => Promise<Acceptance>;
  readonly signEnd: (asked: AskedEnd, by: Pick<Operator, 'actor' | 'role'>) => Promise<AnsweredEnd | Unsigned>;
}

export const AUDIT = '/audit';
/** Takes an acceptance: heads go on from a journal that is not what was signed of it. */
export const HEADS = '/audit/heads';
export const EXPORT_ENDS = '/audit/export-ends';

/** Of one export. A server with PostgreSQL opens three at each start, and retention takes them: so many starts are some years of one server. */
export const MAX_EXPORTED_CHAINS = 10_000;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const asked = z.strictObject({
  timeMs: count,
  sinceMs: count.exactOptional(),
  untilMs: count.exactOptional(),
  chains: z.array(z.tuple([z.string().max(64), count, count])).max(MAX_EXPORTED_CHAINS),
  unchained: count,
  content: z.string().regex(/^[0-9a-f]{64}$/),
});

const acceptance = z.strictObject({ reason });

export function administerAudit({ status, accept, signEnd }: AuditParts): AdministrationPart {
  return (routes) => {
    routes.get(AUDIT, demandRole('viewer'), async (c) => c.json(await status()));
    routes.post(HEADS, demandRole('security'), async (c) => {
      const { actor, role } = c.get('operator');
      const answer = await accept({ ...(await bodyOf(c, acceptance)), actor, role });
      return 'problem' in answer ? c.json({ error: `nothing is accepted: ${answer.problem}` }, 409) : c.json(answer);
    });
    routes.post(EXPORT_ENDS, demandRole('viewer'), async (c) => {
      const { actor, role } = c.get('operator');
      const answer = await signEnd(await bodyOf(c, asked), { actor, role });
      if ('unsigned' in answer) return c.json({ error: `the export is not signed: ${answer.unsigned}` }, 409);
      // What the export has, or the journal, is not what was signed: another time it will not be either.
      return 'problem' in answer
        ? c.json({ error: `the export is not signed: ${answer.problem}` }, 422)
        : c.json(answer);
    });
  };
}
