// What operators are shown of issuers, and do to them.
import type { IssuersParts } from '../../../adapters/http/admin/administer-issuers.ts';
import { IssuerActs } from '../../../authority/administration/issuer-acts.ts';
import { IssuerKeys } from '../../../authority/administration/issuer-keys.ts';
import { IssuerRotations } from '../../../authority/administration/issuer-rotations.ts';
import { IssuerOverview } from '../../../authority/administration/issuer-overview.ts';
import type { Config } from '../../../config/schema.ts';
import type { Foundation } from '../foundation.ts';
import type { Policy } from '../policy/policy.ts';
import type { Storage } from '../storage.ts';
import { keyInventories } from '../trust/custody/issuer-keys.ts';
import type { Trust } from '../trust/trust.ts';

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly policy: Policy;
}

export function composeIssuerAdministration(
  config: Config,
  { clock, settled, events, running: signal }: Foundation,
  { storage: { history, statistics, journal }, trust, policy: { policies } }: Former,
): IssuersParts {
  const { issuers, ledger } = trust;
  const parts = { issuers, former: history, ledger, statistics, policies, clock, settled, events };
  const settings = { longestLeafMs: config.lifetimes.max };
  const acts = new IssuerActs(parts, settings);
  const overview = new IssuerOverview(parts, settings);
  const inventoryOf = keyInventories(config, trust);
  const keys = new IssuerKeys({ ...parts, journal, inventoryOf, given: async () => issuers.given() });
  const { rollovers } = trust;
  const rotations = new IssuerRotations({ ...rollovers, clock });
  return {
    list: async () => overview.list({ signal }),
    show: async (name) => overview.show(name, { signal }),
    pending: async () => acts.pending(),
    ask: async (asked, operator) => acts.ask(asked, operator, { signal }),
    keys: async (name) => keys.list(name, { signal }),
    removeKey: async (removed, operator) => keys.remove(removed, operator, { signal }),
    rotate: async (asked, operator) => rotations.begin(asked, operator, { signal }),
    rotation: async (name) => rotations.last(name),
    approve: async (digest, operator) => acts.approve(digest, operator, { signal }),
  };
}
