// The ledger of issuers, written down.
import { z } from 'zod';
import { NO_LEDGER, type IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import { ISSUER_ACTS, LIFECYCLE_STATES } from '../../../domain/trust/issuer-state.ts';
import type { LedgerForm } from './ledger-form.ts';

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
  // As many as a client certificate has that TLS takes.
  names: z.array(text).max(1_000).optional(),
  untilMs: timeMs,
});

const schema = z.strictObject({ moves: z.array(move), pending: z.array(pending) });

export const ISSUER_LEDGER: LedgerForm<IssuerLedger> = {
  kind: 'IssuerLedger',
  name: 'the ledger of issuers',
  fileSuffix: '.issuers',
  table: 'issuer_ledgers',
  empty: NO_LEDGER,
  withoutIt: 'issuers that were suspended, tainted or retired would sign again',
  read: (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? ledgerFrom(parsed.data) : undefined;
  },
};

/** Without the members that are absent. */
function ledgerFrom(parsed: z.infer<typeof schema>): IssuerLedger {
  return {
    moves: parsed.moves.map(({ approvedBy, ...rest }) => ({
      ...rest,
      ...(approvedBy !== undefined && { approvedBy }),
    })),
    pending: parsed.pending.map(({ names, ...rest }) => ({ ...rest, ...(names !== undefined && { names }) })),
  };
}
