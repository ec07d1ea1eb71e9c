// The moment by which policy bundles are judged, which a clock that was wrong for a while leaves ahead: shown, and
// set back to the clock by who says which moment they were shown.
import type { Operator } from '../../../authority/administration/issuer-acts.ts';
import { demandRole, type AdministrationPart } from './administration.ts';

export interface PolicyTime {
  /** By which bundles are judged. */
  readonly timeMs: number;
  readonly clockMs: number;
}

export interface PolicyTimeParts {
  readonly read: () => PolicyTime | Promise<PolicyTime>;
  /** @returns nothing when it is another moment by now. */
  readonly setBack: (
    expectedMs: number,
    by: Pick<Operator, 'actor' | 'role'>,
  ) => Promise<{ readonly atMs: number; readonly fromMs: number } | undefined>;
}

export const POLICY_TIME = '/policy/time';

export function administerPolicyTime({ read, setBack }: PolicyTimeParts): AdministrationPart {
  return (routes) => {
    routes.get(POLICY_TIME, demandRole('viewer'), async (c) => c.json(await read()));
    routes.post(POLICY_TIME, demandRole('security'), async (c) => {
      const body = await c.req.json<unknown>().catch(() => undefined);
      const expected = typeof body === 'object' && body !== null && 'expectedMs' in body ? body.expectedMs : undefined;
      const { actor, role } = c.get('operator');
      const by = { actor, role };
      const done = typeof expected === 'number' ? await setBack(expected, by) : undefined;
      return done === undefined ? c.json({ error: 'the time is another one by now: ask again' }, 409) : c.json(done);
    });
  };
}
