// The ledger of issuers, written down.
import { z } from 'zod';
import { NO_LEDGER, type IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import { ISSUER_ACTS, LIFECYCLE_STATES } from '../../../domain/trust/issuer-state.ts';
import type { LedgerForm } from './ledger-form.ts';
import { authorshipOf, sha256, shortId, timeMs, waitingOf } from './shapes.ts';

const text = z.string().max(1_000);
const generation = { issuer: text, id: shortId } as const;

const move = z.strictObject({
  ...generation,
  keyId: sha256,
  notAfterMs: timeMs,
  ...authorshipOf(text),
  from: z.enum(LIFECYCLE_STATES),
  to: z.enum(LIFECYCLE_STATES),
});

const pending = z.strictObject({
  ...generation,
  act: z.enum(ISSUER_ACTS),
  reason: text,
  override: z.boolean(),
  ...waitingOf(text),
});

const schema = z.strictObject({ moves: z.array(move), pending: z.array(pending) });

export const ISSUER_LEDGER: LedgerForm<IssuerLedger> = {
  kind: 'IssuerLedger',
  name: 'the ledger of issuers',
  fileSuffix: '.issuers',
  table: 'issuer_ledgers',
  empty: NO_LEDGER,
  withoutIt: 'issuers that were suspended, tainted or retired would sign again',
  schema,
};
