// Who signs, and whom the mesh trusts: our issuers and anchors, the anchors of other trust domains, and the watch over
// issuers whose leaves outlive their anchor.
import type { DocumentFederatedBundles } from '../../../adapters/issuers/documents/document-federated-bundles.ts';
import type { DocumentIssuers } from '../../../adapters/issuers/documents/document-issuers.ts';
import { additionalIssuersHealth, defaultIssuerHealth } from '../../../adapters/issuers/documents/issuer-health.ts';
import { relayedPinTurns } from '../../../adapters/processes/relays/pin-turns.ts';
import { IssuerChooser } from '../../../authority/issuing/choose-issuer.ts';
import type { SigningIssuer } from '../../../authority/revocation/known-signers.ts';
import type { FollowedLedger } from '../../../authority/trust/followed-ledger.ts';
import { BridgedIssuers } from '../../../authority/trust/bridged-issuers.ts';
import { GovernedAnchors } from '../../../authority/trust/governed-anchors.ts';
import { OwnCertificates } from '../../../authority/trust/own-certificates.ts';
import { GovernedIssuers } from '../../../authority/trust/governed-issuers.ts';
import type { RootsBeforeLeaves } from '../../../authority/trust/roots-before-leaves.ts';
import { PolicyDemands } from '../../../authority/trust/policy-demands.ts';
import { StrandedIssuers } from '../../../authority/trust/stranded-issuers.ts';
import type { Config } from '../../../config/schema.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import type { AnchorLedger } from '../../../domain/trust/rotation/anchor-ledger.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { IssuerGenerations } from '../../../ports/issuing/issuer-generations.ts';
import { anchorsAbove } from '../../../domain/trust/anchors-above.ts';
import type { IssuerPair } from '../../../ports/issuing/issuer-generations.ts';
import { composeAdoption } from '../administration/anchor-adoption.ts';
import { composeFederation } from './federation.ts';
import type { Foundation } from '../foundation.ts';
import { composeGenerations } from './custody/generations.ts';
import { composeInMemory, type InMemory } from './custody/in-memory.ts';
import { composeIssuers } from './issuers.ts';
import { composeRollovers, type Rollovers } from './rollovers.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';
import type { UpstreamOf } from './upstreams.ts';
import type { Storage } from '../storage.ts';

export interface Trust {
  /** As their files are. */
  readonly issuers: DocumentIssuers;
  /** As operators let them sign. */
  readonly governed: GovernedIssuers;
  /** As their leaves go out. */
  readonly bridged: BridgedIssuers;
  readonly ledger: FollowedLedger<IssuerLedger>;
  readonly anchorLedger: FollowedLedger<AnchorLedger>;
  readonly governedAnchors: GovernedAnchors;
  readonly ownCertificates: OwnCertificates;
  readonly chooser: IssuerChooser;
  readonly federated: DocumentFederatedBundles;
  /** What issuers are to heed, which policies say once there are some. */
  readonly demands: PolicyDemands;
  /** The pairs of issuers that are in folders or in memory. */
  readonly generations: IssuerGenerations;
  /** Where there are issuers whose keys end with the server. */
  readonly inMemory: InMemory | undefined;
  readonly rollovers: Rollovers;
  readonly beforeLeaves: BeforeLeaves;
}

/** What else is waited for before an issuer signs leaves: put in by who comes later. */
export interface BeforeLeaves {
  wait?: (next: SigningIssuer, options: { readonly signal: AbortSignal }) => Promise<void>;
}

export interface TrustParts extends Pick<Storage, 'history' | 'notedEvidence'> {
  readonly ledgers: Pick<FollowedLedgers, 'issuers' | 'anchors'>;
  /** Absent where trust anchors are published nowhere. */
  readonly roots?: RootsBeforeLeaves;
  /** Reaches the CA above an issuer. */
  readonly upstreamOf: UpstreamOf;
}

export function composeTrust(
  config: Config,
  foundation: Foundation,
  { history, ledgers, notedEvidence, roots, upstreamOf }: TrustParts,
): Trust {
  const { clock, watching, files, random, events, telemetry, health, startUp, running, worker } = foundation;
  const options = { signal: running };
  const beforeLeaves: BeforeLeaves = {};
  const demands = new PolicyDemands();
  const { issuers: ledger, anchors: anchorLedger } = ledgers;
  const anchors = new GovernedAnchors({ ledger: anchorLedger });
  const inMemory = composeInMemory(config, foundation);
  const issuers = composeIssuers(config, {
    anchors,
    inMemory,
    demands,
    clock: watching,
    files,
    random,
    events,
    wasInForce: async ({ certificateDer }, { signal }) => {
      const known = await history.issuersAt(clock.nowMs(), { signal });
      return known.some((one) => Buffer.compare(one.certificateDer, certificateDer) === 0);
    },
    until: running,
    pinTurns: worker && relayedPinTurns(worker.link, clock),
    beforeInForce: async (next, options) => {
      await roots?.before(next.bundle, options);
      await beforeLeaves.wait?.(next, options);
    },
  });
  const governed = new GovernedIssuers({ issuers, ledger });
  const bridged = new BridgedIssuers(
    { issuers: governed, anchors: issuers.trustAnchors, governed: anchors, clock },
    { longestLeafMs: config.lifetimes.max },
  );
  const federated = composeFederation(config, { clock: watching, files, events });
  const stranded = new StrandedIssuers(
    {
      issuers,
      anchors: issuers.trustAnchors,
      former: history,
      clock,
      events,
      left: () => anchors.decided().left.map(({ subject }) => subject),
    },
    { longestLeafMs: config.lifetimes.max },
  );
  const generations = composeGenerations(config, { clock, demands, ...anchors.judging }, inMemory);
  const heldBack = ({ id, chainPem }: IssuerPair): string | undefined => {
    // Also before anything is in force: the first certificate of an issuer is held back by nothing.
    if (anchors.decided().rotation?.phase !== 'publish' || issuers.first.anchors().length === 0) return undefined;
    const led = anchorsAbove(chainPem, issuers.trustAnchors.current(), clock.nowMs());
    return anchors.heldBack({ id, anchors: led });
  };
  const rollovers = composeRollovers(config, foundation, {
    ledger,
    former: history,
    generations,
    upstreamOf,
    heldBack,
    onRelease: (listener, options) => anchors.onChange(listener, options),
  });
  const adopting = { ledger, anchorLedger, generations, anchors: issuers.trustAnchors, governed: anchors };
  const adoption = composeAdoption(config, foundation, adopting);
  startUp.at('load', async ({ signal }) => {
    governed.start(options);
    anchors.start(options);
    bridged.start(options);
    rollovers.start(options);
    await adoption.first({ signal });
    await rollovers.first({ signal: AbortSignal.any([signal, running]) });
    await issuers.start({ ...options, waitsForKey: true });
    await federated.start(options);
    const { trustAnchors } = issuers;
    notedEvidence.noteBundle(trustAnchors.current());
    trustAnchors.onChange((bundle) => notedEvidence.noteBundle(bundle), options);
  });
  // When the issuers in force are on record, which ends the time of those before them.
  startUp.at('listen', async () => stranded.start(options));
  telemetry.observeIssuers(() => governed.states());
  telemetry.observeAnchors(() => issuers.first.anchors());
  health.report('issuer', () => defaultIssuerHealth(issuers, clock, { minLifetimeMs: config.lifetimes.min }));
  health.report('additional issuers', () => additionalIssuersHealth(issuers, clock));
  health.report('issuer states', () => degradedBy(ledger.problem ?? governed.problem()));
  const given = (): TrustBundle | undefined => issuers.first.anchorsGiven;
  health.report('trust anchors', () =>
    degradedBy(anchorLedger.problem ?? bothOf(stranded.problem(), anchors.problemWith(given()))),
  );
  health.report('bridge of a rotation', () => degradedBy(bridged.problem()));
  health.report('federated bundles', () => degradedBy(federated.problem));
  return {
    issuers,
    governed,
    bridged,
    ledger,
    anchorLedger,
    governedAnchors: anchors,
    ownCertificates: new OwnCertificates({ anchors }),
    chooser: new IssuerChooser(bridged),
    federated,
    demands,
    generations,
    inMemory,
    rollovers,
    beforeLeaves,
  };
}

/** A retire in spite of its gate strands an issuer, and leaves the file to be changed as any other does. */
function bothOf(...problems: readonly (string | undefined)[]): string | undefined {
  return problems.filter((problem) => problem !== undefined).join('; ') || undefined;
}
