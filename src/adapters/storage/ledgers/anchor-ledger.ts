// The ledger of trust anchors, written down. It is one by itself, so that a server of before rotations, which knows nothing of it,
// cannot lose a part of it.
import { z } from 'zod';
import { NO_ANCHORS, type AnchorLedger } from '../../../domain/trust/rotation/anchor-ledger.ts';
import { ROTATION_ACTS, ROTATION_PHASES } from '../../../domain/trust/rotation/rotation.ts';
import type { LedgerForm } from './ledger-form.ts';
import { authorshipOf, sha256, shortId, timeMs, waitingOf } from './shapes.ts';

/** Of a reason, or a text that is made of names of certificates. */
const text = z.string().max(10_000);
const authorship = authorshipOf(text);
const anchor = { sha256, subject: text, notAfterMs: timeMs } as const;
/** As much as a request of an operator has. */
const pem = z.string().max(64 * 1024);

const move = z.strictObject({
  ...authorship,
  from: z.enum(ROTATION_PHASES).exactOptional(),
  to: z.enum(ROTATION_PHASES),
  overridden: text.exactOptional(),
});

const bridge = z.strictObject({ ...anchor, ...authorship, pem, from: sha256 });

const rotation = z.strictObject({
  id: shortId,
  added: z.array(z.strictObject(anchor)),
  old: z.array(z.strictObject(anchor)),
  signing: z.array(shortId),
  phase: z.enum(ROTATION_PHASES),
  leavesMovedMs: timeMs.exactOptional(),
  bridge: bridge.exactOptional(),
  moves: z.tuple([move], move),
});

const pending = z.strictObject({
  act: z.enum(ROTATION_ACTS),
  rotation: shortId.exactOptional(),
  pem: pem.exactOptional(),
  reason: text,
  override: z.boolean(),
  ...waitingOf(text),
});

const schema = z.strictObject({
  kept: z.array(z.strictObject({ ...anchor, pem, sinceMs: timeMs })),
  retired: z.array(z.strictObject({ ...anchor, ...authorship })),
  left: z.array(z.strictObject(anchor)),
  rotation: rotation.exactOptional(),
  pending: z.array(pending),
});

export const ANCHOR_LEDGER: LedgerForm<AnchorLedger> = {
  kind: 'AnchorLedger',
  name: 'the ledger of trust anchors',
  fileSuffix: '.anchors',
  table: 'anchor_ledgers',
  empty: NO_ANCHORS,
  withoutIt: 'trust anchors that workloads hang on would leave the bundle',
  schema,
};
