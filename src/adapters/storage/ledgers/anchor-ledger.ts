// The ledger of trust anchors, written down. It is one by itself, so that a server of before rotations, which knows nothing of it,
// cannot lose a part of it.
import { z } from 'zod';
import { NO_ANCHORS, type AnchorLedger } from '../../../domain/trust/rotation/anchor-ledger.ts';
import { ROTATION_ACTS, ROTATION_PHASES } from '../../../domain/trust/rotation/rotation.ts';
import type { LedgerForm } from './ledger-form.ts';

/** Of a reason, or a text that is made of names of certificates. */
const text = z.string().max(10_000);
const timeMs = z.int().min(0);
const authorship = { timeMs, actor: text, role: text, reason: text, approvedBy: text.optional() } as const;
const anchor = { sha256: z.string().regex(/^[0-9a-f]{64}$/), subject: text, notAfterMs: timeMs } as const;
const id = z.string().regex(/^[0-9a-f]{16}$/);
/** As much as a request of an operator has. */
const pem = z.string().max(64 * 1024);

const rotation = z.strictObject({
  id,
  added: z.array(z.strictObject(anchor)),
  old: z.array(z.strictObject(anchor)),
  signing: z.array(id),
  phase: z.enum(ROTATION_PHASES),
  leavesMovedMs: timeMs.optional(),
  moves: z
    .array(
      z.strictObject({
        ...authorship,
        from: z.enum(ROTATION_PHASES).optional(),
        to: z.enum(ROTATION_PHASES),
        overridden: text.optional(),
      }),
    )
    .min(1),
});

const pending = z.strictObject({
  act: z.enum(ROTATION_ACTS),
  rotation: id.optional(),
  pem: pem.optional(),
  reason: text,
  override: z.boolean(),
  digest: z.string().regex(/^[0-9a-f]{32}$/),
  timeMs,
  actor: text,
  role: text,
  names: z.array(text).max(1_000).optional(),
  untilMs: timeMs,
});

const schema = z.strictObject({
  kept: z.array(z.strictObject({ ...anchor, pem, sinceMs: timeMs })),
  retired: z.array(z.strictObject({ ...anchor, ...authorship })),
  left: z.array(z.strictObject(anchor)),
  rotation: rotation.optional(),
  pending: z.array(pending),
});

export const ANCHOR_LEDGER: LedgerForm<AnchorLedger> = {
  kind: 'AnchorLedger',
  name: 'the ledger of trust anchors',
  fileSuffix: '.anchors',
  table: 'anchor_ledgers',
  empty: NO_ANCHORS,
  withoutIt: 'trust anchors that workloads hang on would leave the bundle',
  read: (value) => {
    const parsed = schema.safeParse(value);
    // What comes from JSON has no member that is undefined, and `moves` has one at least.
    return parsed.success ? (parsed.data as unknown as AnchorLedger) : undefined;
  },
};
