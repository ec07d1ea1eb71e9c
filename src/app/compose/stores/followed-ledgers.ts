// What operators decided, as it is followed here: known before anything is signed, and looked at again at once when another
// process of this server has changed it.
import { ANCHOR_LEDGER } from '../../../adapters/storage/ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../../../adapters/storage/ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../../../adapters/storage/ledgers/issuer-ledger.ts';
import { FollowedLedger } from '../../../authority/trust/followed-ledger.ts';
import type { BanLedger } from '../../../domain/revocation/ban-ledger.ts';
import type { AnchorLedger } from '../../../domain/trust/rotation/anchor-ledger.ts';
import type { IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import { LEDGER_CHANGED_TOPIC } from '../../worker/topics.ts';
import type { WorkerPlace } from '../../worker-place.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';

export interface FollowedLedgers {
  readonly issuers: FollowedLedger<IssuerLedger>;
  readonly anchors: FollowedLedger<AnchorLedger>;
  readonly bans: FollowedLedger<BanLedger>;
}

export function composeLedgers(
  { clock, health, startUp, running: signal, worker }: Foundation,
  { issuerLedgers, anchorLedgers, banLedgers }: Pick<Storage, 'issuerLedgers' | 'anchorLedgers' | 'banLedgers'>,
): FollowedLedgers {
  const parts = { clock, ...(worker && { spread: async (given: Waits) => spread(worker, given) }) };
  const issuers = new FollowedLedger({ ...parts, ledgers: issuerLedgers }, ISSUER_LEDGER);
  const anchors = new FollowedLedger({ ...parts, ledgers: anchorLedgers }, ANCHOR_LEDGER);
  const bans = new FollowedLedger({ ...parts, ledgers: banLedgers }, BAN_LEDGER);
  const all = [issuers, anchors, bans];
  startUp.at('load', async () => {
    await Promise.all(all.map(async (ledger) => ledger.start({ signal })));
    worker?.link.serve(LEDGER_CHANGED_TOPIC, async () => {
      await Promise.all(all.map(async (ledger) => ledger.look({ signal })));
      return null;
    });
  });
  health.report('bans', () => degradedBy(bans.problem));
  return { issuers, anchors, bans };
}

interface Waits {
  readonly signal: AbortSignal;
}

/** Of several processes each hears at once of what another decided, by way of the supervisor. */
async function spread({ link }: WorkerPlace, options: Waits): Promise<void> {
  await link.ask(LEDGER_CHANGED_TOPIC, null, options);
}
