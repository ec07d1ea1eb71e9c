// The ledgers of an embedded store, of which the supervisor has the files.
import type { Link } from '../../adapters/processes/link.ts';
import { serveLedger } from '../../adapters/processes/relays/ledger.ts';
import { FileLedger, ledgerFileOf } from '../../adapters/storage/embedded/file-ledger.ts';
import { ANCHOR_LEDGER } from '../../adapters/storage/ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../../adapters/storage/ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../../adapters/storage/ledgers/issuer-ledger.ts';
import type { LedgerForm } from '../../adapters/storage/ledgers/ledger-form.ts';

/** @param store the journal's file. @returns what is called with the link to each worker. */
export function keptLedgers(store: string): (link: Link) => void {
  const served = [kept(store, ISSUER_LEDGER), kept(store, ANCHOR_LEDGER), kept(store, BAN_LEDGER)];
  return (link) => {
    for (const serve of served) serve(link);
  };
}

function kept<L>(store: string, form: LedgerForm<L>): (link: Link) => void {
  const file = new FileLedger(ledgerFileOf(store, form), form);
  return (link) => serveLedger(link, form.kind, file);
}
