// Has issuers in folders sign below the anchor that the rotation is at. Of several processes the one in slot 1 does it.
import { readFile } from '../trust/custody/issuer-key.ts';
import { anchorsOf as anchorsIn } from '../trust/custody/judge-issuer.ts';
import { IssuerFolder } from '../../../adapters/upstream/offline/issuer-folder.ts';
import { AnchorAdoption } from '../../../authority/chores/adopt-anchors.ts';
import type { GovernedAnchors } from '../../../authority/trust/governed-anchors.ts';
import type { Config } from '../../../config/schema.ts';
import { anchorsAbove } from '../../../domain/trust/anchors-above.ts';
import { TrustBundle } from '../../../domain/trust/bundle.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { IssuerGenerations } from '../../../ports/issuing/issuer-generations.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import type { Foundation } from '../foundation.ts';
import type { Trust } from '../trust/trust.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface Adoption {
  /**
   * Before issuers are read: a server that was away when the others adopted an anchor has a certificate in force that leads nowhere by
   * now, and would not start, with the one that follows it beside it.
   */
  first(options: Waits): Promise<void>;
}

export function composeAdoption(
  config: Config,
  { clock, events, health, startUp, running: signal, worker }: Foundation,
  parts: Pick<Trust, 'ledger' | 'anchorLedger'> & {
    readonly generations: IssuerGenerations;
    readonly anchors: TrustAnchors;
    readonly governed: Pick<GovernedAnchors, 'govern'>;
  },
): Adoption {
  if (worker !== undefined && worker.slot !== 1) return { first: async () => Promise.resolve() };
  const { anchors, governed } = parts;
  let beforeStart: TrustBundle | undefined;
  const anchorsOf = (chainPem: string): readonly string[] =>
    anchorsAbove(chainPem, beforeStart ?? anchors.current(), clock.nowMs());
  const adoption = new AnchorAdoption({ ...parts, anchorsOf, clock, events });
  startUp.at('listen', () => void adoption.keep({ signal }));
  health.report('adoption of trust anchors', () => degradedBy(adoption.problem));
  return {
    first: async (options) => {
      const given = await givenAnchors(config);
      // What is wrong with them is said by who starts with them.
      if (given === undefined) return;
      beforeStart = governed.govern(given);
      await adoption.look(options).finally(() => (beforeStart = undefined));
    },
  };
}

async function givenAnchors(config: Config): Promise<TrustBundle | undefined> {
  const { issuer, trustDomain } = config;
  const pem = await anchorsIn(config, new IssuerFolder(issuer.directory ?? '', readFile)).catch(() => '');
  const bundle = TrustBundle.fromPem(trustDomain, pem);
  return bundle instanceof TrustBundle ? bundle : undefined;
}
