// Administration of bans: what is revoked, and what operators revoke and take back. A request that waits for a second person is
// answered with 202.
import type { Context } from 'hono';
import { z } from 'zod';
import type { AskedBan, BanOutcome } from '../../../authority/administration/ban-acts.ts';
import type { AskedTarget } from '../../../authority/administration/ban-targets.ts';
import type { Operator } from '../../../authority/administration/issuer-acts.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { kubernetesIdentityOf } from '../../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { PendingBanAct } from '../../../domain/revocation/ban-ledger.ts';
import { isDnsLabel } from '../../../domain/text/dns-label.ts';
import { MAX_DURATION_MS } from '../../../domain/text/duration.ts';
import { demandRole, type AdministrationEnvironment, type AdministrationPart } from './administration.ts';

export interface BansParts {
  readonly list: () => Promise<readonly Ban[]>;
  readonly revoke: (asked: AskedBan, operator: Operator) => Promise<BanOutcome>;
  readonly lift: (asked: { readonly id: string; readonly reason: string }, operator: Operator) => Promise<BanOutcome>;
  readonly pending: () => Promise<readonly PendingBanAct[]>;
  readonly approve: (digest: string, operator: Operator) => Promise<BanOutcome>;
}

export const BANS = '/bans';
export const PENDING_BAN_ACTS = '/pending-ban-acts';

/** Ten thousand of them, with all that is said of each, are one message between processes. */
const MAX_REASON = 200;
const MAX_NAME = 253;

/** Printable, on one line: it goes into the journal and onto terminals. */
const printable = z
  .string()
  .trim()
  .min(1)
  .regex(/^[^\p{C}\u2028\u2029]*$/u, 'it is not printable text on one line');
const reason = printable.max(MAX_REASON);
const cluster = printable.max(MAX_NAME).optional();
/** As tools write it: upper case, colons and leading zeros mean nothing. */
const serial = z
  .string()
  .regex(/^[0-9A-Fa-f:]{1,80}$/, 'it is not hexadecimal')
  .transform((text) => text.replaceAll(':', '').toLowerCase().replace(/^0+/, ''))
  .refine((text) => text !== '', 'it is not the number of a certificate');
const identity = z.string().superRefine((text, context) => {
  const spiffeId = SpiffeId.parse(text);
  const parsed = spiffeId instanceof SpiffeId ? kubernetesIdentityOf(spiffeId) : spiffeId;
  if ('problem' in parsed) context.addIssue({ code: 'custom', message: `it ${parsed.problem}` });
});
const namespace = z.string().refine(isDnsLabel, 'it is not an RFC 1123 label');
/** RFC 1123 subdomain, as Kubernetes demands of a node. */
const node = z
  .string()
  .max(MAX_NAME)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, 'it is not an RFC 1123 subdomain');

const revocation = z.strictObject({
  target: z.union([
    z.strictObject({ serial }),
    z.strictObject({ identity, cluster }),
    z.strictObject({ namespace, cluster }),
    z.strictObject({ node, cluster }),
  ]),
  reason,
  forMs: z.int().min(1_000).max(MAX_DURATION_MS).optional(),
  dryRun: z.boolean().default(false),
});
const taking = z.strictObject({ reason });

export function administerBans({ list, revoke, lift, pending, approve }: BansParts): AdministrationPart {
  return (routes) => {
    routes.get(BANS, demandRole('viewer'), async (c) => c.json({ bans: await list() }));
    routes.post(BANS, demandRole('security'), async (c) =>
      answer(c, await revoke(askedOf(await bodyOf(c, revocation)), c.get('operator'))),
    );
    routes.post(`${BANS}/:id/lift`, demandRole('security'), async (c) => {
      const asked = await bodyOf(c, taking);
      return answer(c, await lift({ id: c.req.param('id'), ...asked }, c.get('operator')));
    });
    routes.get(PENDING_BAN_ACTS, demandRole('viewer'), async (c) => c.json({ pending: await pending() }));
    routes.post(`${PENDING_BAN_ACTS}/:digest`, demandRole('security'), async (c) =>
      answer(c, await approve(c.req.param('digest'), c.get('operator'))),
    );
  };
}

/** @throws AuthorityError CAP-O02 for a certificate with a time: it is revoked until it ends. */
function askedOf({ target, forMs, ...rest }: z.infer<typeof revocation>): AskedBan {
  if ('serial' in target && forMs !== undefined)
    throw new AuthorityError('CAP-O02', { detail: 'a certificate is revoked until it ends, and no shorter' });
  return { ...rest, target: targetOf(target), ...(forMs !== undefined && { forMs }) };
}

/** Without the member that is absent. */
function targetOf(target: z.infer<typeof revocation>['target']): AskedTarget {
  if ('serial' in target) return target;
  const { cluster: id, ...rest } = target;
  return { ...rest, ...(id !== undefined && { cluster: id }) };
}

/** @throws AuthorityError CAP-O02 for a body that says something else. */
async function bodyOf<T>(c: Context<AdministrationEnvironment>, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await c.req.json<unknown>().catch(() => undefined));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const place = first?.path.join('.') ?? '';
  const detail = `the body is not as it should be${place && ` at ${place}`}${first === undefined ? '' : `: ${first.message}`}`;
  throw new AuthorityError('CAP-O02', { detail });
}

function answer(c: Context, outcome: BanOutcome): Response {
  return c.json(outcome, outcome.outcome === 'pending' ? 202 : 200);
}
