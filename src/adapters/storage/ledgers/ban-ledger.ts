// The ledger of bans, written down.
import { z } from 'zod';
import { NO_BANS, type BanLedger } from '../../../domain/revocation/ban-ledger.ts';
import type { LedgerForm } from './ledger-form.ts';
import { authorshipOf, shortId, timeMs, waitingOf } from './shapes.ts';

const text = z.string().max(2_048);
const cluster = text.exactOptional();

const target = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('serial'), serial: z.string().regex(/^[0-9a-f]+$/), identity: text, proofId: text }),
  z.strictObject({ kind: z.literal('identity'), identity: text, cluster }),
  z.strictObject({ kind: z.literal('namespace'), namespace: text, cluster }),
  z.strictObject({ kind: z.literal('node'), node: text, cluster: text }),
]);

const ban = z.strictObject({
  id: shortId,
  target,
  ...authorshipOf(text),
  untilMs: timeMs.exactOptional(),
  leavesUntilMs: timeMs,
});

const wanted = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('revoke'), target, reason: text, forMs: timeMs.exactOptional() }),
  z.strictObject({ act: z.literal('lift'), id: shortId, reason: text }),
]);

const pending = z.strictObject({ wanted, ...waitingOf(text) });

const schema = z.strictObject({ bans: z.array(ban), pending: z.array(pending) });

export const BAN_LEDGER: LedgerForm<BanLedger> = {
  kind: 'BanLedger',
  name: 'the ledger of bans',
  fileSuffix: '.bans',
  table: 'ban_ledgers',
  empty: NO_BANS,
  withoutIt: 'what was revoked would be given certificates again',
  schema,
};
