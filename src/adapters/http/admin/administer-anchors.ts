// Administration of trust anchors: how far their rotation is, and its steps. One that waits for a second person is answered with 202.
import type { Context } from 'hono';
import { z } from 'zod';
import type { AskedStep, RotationStatus, StepOutcome } from '../../../authority/administration/anchor-acts.ts';
import type { Operator } from '../../../authority/administration/issuer-acts.ts';
import { ROLE_OF_ANCHOR_ACT } from '../../../authority/administration/roles.ts';
import { ROTATION_ACTS, type RotationAct } from '../../../domain/trust/rotation/rotation.ts';
import { demandRole, type AdministrationEnvironment, type AdministrationPart } from './administration.ts';
import { bodyOf, reason } from './body.ts';

export interface AnchorsParts {
  readonly status: () => Promise<RotationStatus>;
  readonly ask: (asked: AskedStep, operator: Operator) => Promise<StepOutcome>;
  readonly approve: (digest: string, operator: Operator) => Promise<StepOutcome>;
}

/** The rotation of trust anchors. */
export const ROTATION = '/anchors/rotation';
export const PENDING_STEPS = `${ROTATION}/pending`;

const override = z.boolean().default(false);
const step = z.strictObject({ reason, override });
const start = z.strictObject({ reason, override, pem: z.string() });
const dryRun = z.boolean().default(false);
const bridge = z.strictObject({ reason, override, dryRun, pem: z.string() });

export function administerAnchors({ status, ask, approve }: AnchorsParts): AdministrationPart {
  return (routes) => {
    routes.get(ROTATION, demandRole('viewer'), async (c) => c.json(await status()));
    for (const act of ROTATION_ACTS) {
      routes.post(`${ROTATION}/${act}`, demandRole(ROLE_OF_ANCHOR_ACT[act]), async (c) =>
        answer(c, await ask(await stepIn(c, act), c.get('operator'))),
      );
    }
    // Which role it needs is known where the step is found.
    routes.post(`${PENDING_STEPS}/:digest`, async (c) =>
      answer(c, await approve(c.req.param('digest'), c.get('operator'))),
    );
  };
}

async function stepIn(c: Context<AdministrationEnvironment>, act: RotationAct): Promise<AskedStep> {
  if (act === 'start') return { act, ...(await bodyOf(c, start)) };
  return { act, ...(act === 'bridge' ? await bodyOf(c, bridge) : await bodyOf(c, step)) };
}

function answer(c: Context, outcome: StepOutcome): Response {
  return c.json(outcome, outcome.outcome === 'pending' ? 202 : 200);
}
