// The ledger of bans, written down.
import { z } from 'zod';
import { NO_BANS, type BanLedger, type WantedBanAct } from '../../../domain/revocation/ban-ledger.ts';
import type { Ban, BanTarget } from '../../../domain/revocation/ban.ts';
import type { LedgerForm } from './ledger-form.ts';

const text = z.string().max(2_048);
const timeMs = z.int().min(0);
const id = z.string().regex(/^[0-9a-f]{16}$/);
const cluster = text.optional();

const target = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('serial'), serial: z.string().regex(/^[0-9a-f]+$/), identity: text, proofId: text }),
  z.strictObject({ kind: z.literal('identity'), identity: text, cluster }),
  z.strictObject({ kind: z.literal('namespace'), namespace: text, cluster }),
  z.strictObject({ kind: z.literal('node'), node: text, cluster: text }),
]);

const ban = z.strictObject({
  id,
  target,
  timeMs,
  actor: text,
  role: text,
  reason: text,
  approvedBy: text.optional(),
  untilMs: timeMs.optional(),
  leavesUntilMs: timeMs,
});

const wanted = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('revoke'), target, reason: text, forMs: timeMs.optional() }),
  z.strictObject({ act: z.literal('lift'), id, reason: text }),
]);

const pending = z.strictObject({
  wanted,
  digest: z.string().regex(/^[0-9a-f]{32}$/),
  timeMs,
  actor: text,
  names: z.array(text).max(1_000).optional(),
  role: text,
  untilMs: timeMs,
});

const schema = z.strictObject({ bans: z.array(ban), pending: z.array(pending) });

export const BAN_LEDGER: LedgerForm<BanLedger> = {
  kind: 'BanLedger',
  name: 'the ledger of bans',
  fileSuffix: '.bans',
  table: 'ban_ledgers',
  empty: NO_BANS,
  withoutIt: 'what was revoked would be given certificates again',
  read: (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? ledgerFrom(parsed.data) : undefined;
  },
};

/** Without the members that are absent. */
function ledgerFrom({ bans, pending: acts }: z.infer<typeof schema>): BanLedger {
  return {
    bans: bans.map(banFrom),
    pending: acts.map(({ wanted: asked, names, ...rest }) => ({
      ...rest,
      wanted: wantedFrom(asked),
      ...(names !== undefined && { names }),
    })),
  };
}

function banFrom({ target: of, approvedBy, untilMs, ...rest }: z.infer<typeof ban>): Ban {
  return {
    ...rest,
    target: targetFrom(of),
    ...(approvedBy !== undefined && { approvedBy }),
    ...(untilMs !== undefined && { untilMs }),
  };
}

function wantedFrom(asked: z.infer<typeof wanted>): WantedBanAct {
  if (asked.act === 'lift') return asked;
  const { target: of, forMs, ...rest } = asked;
  return { ...rest, target: targetFrom(of), ...(forMs !== undefined && { forMs }) };
}

function targetFrom(of: z.infer<typeof target>): BanTarget {
  if (of.kind === 'serial' || of.kind === 'node') return of;
  const { cluster: named, ...rest } = of;
  return { ...rest, ...(named !== undefined && { cluster: named }) };
}
