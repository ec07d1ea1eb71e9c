// The ledger of issuers as JSON, wherever it lies. It is read strictly: one that is damaged must not pass for one in which
// nothing is withdrawn.
import { z } from 'zod';
import type { IssuerLedger } from '../../domain/trust/issuer-ledger.ts';
import { ISSUER_ACTS, LIFECYCLE_STATES } from '../../domain/trust/issuer-state.ts';
import { parseJson } from '../../domain/text/parse-json.ts';

const text = z.string().max(1_000);
const timeMs = z.int().min(0);
const generation = { issuer: text, id: z.string().regex(/^[0-9a-f]{16}$/) } as const;

const move = z.strictObject({
  ...generation,
  keyId: z.string().regex(/^[0-9a-f]{64}$/),
  notAfterMs: timeMs,
  timeMs,
  actor: text,
  role: text,
  reason: text,
  approvedBy: text.optional(),
  from: z.enum(LIFECYCLE_STATES),
  to: z.enum(LIFECYCLE_STATES),
});

const pending = z.strictObject({
  ...generation,
  act: z.enum(ISSUER_ACTS),
  reason: text,
  override: z.boolean(),
  digest: z.string().regex(/^[0-9a-f]{32}$/),
  timeMs,
  actor: text,
  role: text,
  untilMs: timeMs,
});

export const ledgerSchema = z.strictObject({ moves: z.array(move), pending: z.array(pending) });

/** @returns nothing for what is no ledger. */
export function readLedger(json: string): IssuerLedger | undefined {
  const parsed = ledgerSchema.safeParse(parseJson(json));
  return parsed.success ? ledgerFrom(parsed.data) : undefined;
}

/** Without the members that are absent. */
export function ledgerFrom(parsed: z.infer<typeof ledgerSchema>): IssuerLedger {
  return {
    moves: parsed.moves.map(({ approvedBy, ...rest }) => ({
      ...rest,
      ...(approvedBy !== undefined && { approvedBy }),
    })),
    pending: parsed.pending,
  };
}
