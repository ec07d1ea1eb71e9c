// Administration of issuers: what they are, and what operators do to them. A request that waits for a second person is answered
// with 202.
import type { Context } from 'hono';
import { z } from 'zod';
import type { ActOutcome, AskedAct, Operator } from '../../../authority/administration/issuer-acts.ts';
import type { KeyRow, RemovedKey } from '../../../authority/administration/issuer-keys.ts';
import type { AskedRotation, Rotation } from '../../../authority/administration/issuer-rotations.ts';
import type { IssuerDetails, IssuerRow } from '../../../authority/administration/issuer-overview.ts';
import { ROLE_OF_ACT } from '../../../authority/administration/roles.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { PendingAct } from '../../../domain/trust/issuer-ledger.ts';
import { ISSUER_ACTS } from '../../../domain/trust/issuer-state.ts';
import { demandRole, type AdministrationEnvironment, type AdministrationPart } from './administration.ts';
import { bodyOf, reason } from './body.ts';

export interface IssuersParts {
  readonly list: () => Promise<readonly IssuerRow[]>;
  readonly show: (name: string) => Promise<IssuerDetails>;
  readonly ask: (asked: AskedAct, operator: Operator) => Promise<ActOutcome>;
  readonly pending: () => Promise<readonly PendingAct[]>;
  /** The keys that lie beside that of an issuer. */
  readonly keys: (name: string) => Promise<readonly KeyRow[]>;
  readonly removeKey: (removed: RemovedKey, operator: Operator) => Promise<KeyRow>;
  /** Begins to have the next certificate of an issuer, and the last such that was begun. */
  readonly rotate: (asked: AskedRotation, operator: Operator) => Promise<Rotation>;
  readonly rotation: (name: string) => Promise<Rotation>;
  readonly approve: (digest: string, operator: Operator) => Promise<ActOutcome>;
}

export const ISSUERS = '/issuers';
export const PENDING_ACTS = '/pending-acts';

const removedKey = z.strictObject({ reason });
const askedRotation = z.strictObject({ reason, activate: z.boolean().default(false) });
/** Hex SHA-256 of a public key, first 16 digits. */
const KEY = /^[0-9a-f]{16}$/;
const askedAct = z.strictObject({
  reason,
  id: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  override: z.boolean().default(false),
});

export function administerIssuers(parts: IssuersParts): AdministrationPart {
  const { list, show, ask, pending, approve, keys, removeKey, rotate, rotation } = parts;
  return (routes) => {
    routes.get(ISSUERS, demandRole('viewer'), async (c) => c.json({ issuers: await list() }));
    routes.get(`${ISSUERS}/:name`, demandRole('viewer'), async (c) => c.json(await show(c.req.param('name'))));
    routes.get(`${ISSUERS}/:name/keys`, demandRole('viewer'), async (c) =>
      c.json({ keys: await keys(c.req.param('name')) }),
    );
    routes.post(`${ISSUERS}/:name/keys/:key/delete`, demandRole('security'), async (c) => {
      const { name: issuer, key } = c.req.param();
      if (!KEY.test(key)) throw new AuthorityError('CAP-O02', { detail: 'a key is named by 16 hex digits' });
      const given = await bodyOf(c, removedKey);
      return c.json(await removeKey({ issuer, key, ...given }, c.get('operator')));
    });
    routes.post(`${ISSUERS}/:name/rotation`, demandRole('operator'), async (c) => {
      const given = await bodyOf(c, askedRotation);
      return c.json(await rotate({ issuer: c.req.param('name'), ...given }, c.get('operator')), 202);
    });
    routes.get(`${ISSUERS}/:name/rotation`, demandRole('viewer'), async (c) =>
      c.json(await rotation(c.req.param('name'))),
    );
    routes.get(PENDING_ACTS, demandRole('viewer'), async (c) => c.json({ pending: await pending() }));
    for (const act of ISSUER_ACTS) {
      routes.post(`${ISSUERS}/:name/${act}`, demandRole(ROLE_OF_ACT[act]), async (c) => {
        const asked = await readAct(c);
        return answer(c, await ask({ act, issuer: c.req.param('name'), ...asked }, c.get('operator')));
      });
    }
    // Which role it needs is known where the act is found.
    routes.post(`${PENDING_ACTS}/:digest`, async (c) =>
      answer(c, await approve(c.req.param('digest'), c.get('operator'))),
    );
  };
}

/** @throws AuthorityError CAP-O02 for a body that says something else. */
async function readAct(c: Context<AdministrationEnvironment>): Promise<Pick<AskedAct, 'reason' | 'id' | 'override'>> {
  const { id, ...rest } = await bodyOf(c, askedAct);
  return { ...rest, ...(id !== undefined && { id }) };
}

function answer(c: Context, outcome: ActOutcome): Response {
  return c.json(outcome, outcome.outcome === 'done' ? 200 : 202);
}
