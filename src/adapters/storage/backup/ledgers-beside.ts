// The ledgers of an SQLite store, which lie beside its journal.
import { AuthorityError } from '../../../domain/errors.ts';
import { FileLedger, ledgerFileOf } from '../embedded/file-ledger.ts';
import { ANCHOR_LEDGER } from '../ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../ledgers/issuer-ledger.ts';
import type { LedgerForm } from '../ledgers/ledger-form.ts';
import { joinedLedgers, type KeptLedgers, type Ledgers } from './kept-ledgers.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** @param store the journal's file. Both throw AuthorityError CAP-X03 naming a file that is damaged, CAP-S04 when it cannot be used. */
export function ledgersBeside(store: string): {
  read(options: Waits): Promise<Ledgers>;
  /** While no server has the store. */
  replace(next: Ledgers, options: Waits): Promise<void>;
} {
  const fileOf = <L>(form: LedgerForm<L>): FileLedger<L> => new FileLedger(ledgerFileOf(store, form), form);
  const files = { issuers: fileOf(ISSUER_LEDGER), anchors: fileOf(ANCHOR_LEDGER), bans: fileOf(BAN_LEDGER) };
  return {
    async read(options) {
      const [issuers, anchors, bans] = await Promise.all([
        files.issuers.read(options),
        files.anchors.read(options),
        files.bans.read(options),
      ]);
      return { issuers: issuers.ledger, anchors: anchors.ledger, bans: bans.ledger };
    },
    async replace({ issuers, anchors, bans }, options) {
      await replaced(files.bans, bans, options);
      await replaced(files.issuers, issuers, options);
      await replaced(files.anchors, anchors, options);
    },
  };
}

/** With the records that the journal does not have yet: the next server puts them there. */
async function replaced<L>(file: FileLedger<L>, ledger: L, options: Waits): Promise<void> {
  const { revision, unrecorded, ledger: known } = await file.read(options);
  if (JSON.stringify(known) === JSON.stringify(ledger)) return;
  await file.replace({ revision: revision + 1, ledger, unrecorded }, options);
}

/**
 * While no server has the store. @param options.trust whose it is, where that is known.
 * @returns how many bans came. @throws AuthorityError as `ledgersBeside`.
 */
export async function joinBeside(
  store: string,
  kept: readonly KeptLedgers[],
  { trust, signal }: Waits & { readonly trust: string | undefined },
): Promise<number> {
  const files = ledgersBeside(store);
  const own = await files.read({ signal });
  const next = ofOneDomain(kept, trust).reduce<Ledgers>(joinedLedgers, own);
  await files.replace(next, { signal });
  return next.bans.bans.length - own.bans.bans.length;
}

/** Where nobody says whose the store is, those of several are not mixed. */
function ofOneDomain(kept: readonly KeptLedgers[], trust: string | undefined): readonly KeptLedgers[] {
  const ours = trust === undefined ? kept : kept.filter((one) => one.trust === '' || one.trust === trust);
  if (ours.length <= 1 || trust !== undefined) return ours;
  const names = ours.map((one) => one.trust).join(', ');
  throw new AuthorityError('CAP-X03', { detail: `the backup has the trust domains ${names}: name one with --config` });
}
