// What operators are shown of the rotation of trust anchors, and do to it; and what goes on of it by itself.
import type { AnchorsParts } from '../../../adapters/http/admin/administer-anchors.ts';
import { AnchorActs } from '../../../authority/administration/anchor-acts.ts';
import { LiveProgress } from '../../../authority/administration/live-progress.ts';
import { RotationReview } from '../../../authority/administration/rotation-review.ts';
import { AnchorKeeper } from '../../../authority/chores/keep-anchors.ts';
import { RotationLaggards } from '../../../authority/chores/rotation-laggards.ts';
import type { Config } from '../../../config/schema.ts';
import { anchorsAbove } from '../../../domain/trust/anchors-above.ts';
import { bridgeAt, bridgedChain } from '../../../domain/trust/rotation/bridge.ts';
import type { StandingIssuer } from '../../../domain/trust/rotation/gate.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { EvidenceReader } from '../../../ports/storage/evidence.ts';
import type { Foundation } from '../foundation.ts';
import type { PublishedTrust } from '../kubernetes/published-roots.ts';
import type { Policy } from '../policy/policy.ts';
import type { Storage } from '../storage.ts';
import type { Trust } from '../trust/trust.ts';

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly policy: Policy;
  readonly published: PublishedTrust | undefined;
}

export function composeAnchorAdministration(config: Config, foundation: Foundation, former: Former): AnchorsParts {
  const { clock, settled, events, running: signal } = foundation;
  const { trust, policy, storage, published } = former;
  const { issuers, anchorLedger: ledger } = trust;
  const anchors = issuers.trustAnchors;
  const { evidence: reader } = storage;
  const progress = new LiveProgress({ reader, clock, settled }, { signal });
  const review = new RotationReview(
    {
      anchors,
      progress,
      ...(published && { published: published.published }),
      issuers: async (options) => standingOf(trust, clock, options),
      own: async (options) => trust.ownCertificates.all(options),
      clock,
      settled,
    },
    { spreadMs: config.sds.rotationSpread },
  );
  const acts = new AnchorActs(
    { ledger, anchors, issuers, review, policies: policy.policies, clock, events },
    { longestLeafMs: config.lifetimes.max },
  );
  composeKeeper(foundation, { trust, reader, published });
  countLaggards(foundation, { trust, storage, progress });
  return {
    status: async () => acts.status({ signal }),
    ask: async (asked, operator) => acts.ask(asked, operator, { signal }),
    approve: async (digest, operator) => acts.approve(digest, operator, { signal }),
  };
}

function composeKeeper(
  { clock, settled, events, health, startUp, running: signal, worker }: Foundation,
  { trust, reader, published }: Pick<Former, 'trust' | 'published'> & { readonly reader: EvidenceReader },
): void {
  const { issuers, anchorLedger: ledger, governedAnchors: anchors } = trust;
  const keeper = new AnchorKeeper(
    {
      ledger,
      given: () => issuers.first.anchorsGiven,
      noted: (given) => anchors.note(given),
      reader,
      clock,
      settled,
      events,
      ...(published && { published: published.published }),
    },
    { looksAtWorkloads: worker === undefined || worker.slot === 1 },
  );
  // When the issuers in force are on record, and the journal is written.
  startUp.at('listen', () => void keeper.keep({ signal }));
  health.report('anchors out of the file', () => degradedBy(keeper.problem));
}

function countLaggards(
  { clock, events, startUp, telemetry, running: signal, worker }: Foundation,
  {
    trust: { governedAnchors },
    storage: { lease },
    progress,
  }: Pick<Former, 'trust' | 'storage'> & { readonly progress: LiveProgress },
): void {
  // Each worker has the lease of its own journal.
  if (worker !== undefined && worker.slot !== 1) return;
  const laggards = new RotationLaggards({ rotation: () => governedAnchors.decided().rotation, progress, lease, clock });
  telemetry.observeRotation(() => laggards.counted);
  startUp.at('listen', () => {
    void laggards
      .run({ signal })
      .catch((cause: unknown) => events.unexpected({ where: 'laggards of a rotation', cause }));
  });
}

async function standingOf(
  { issuers, generations, governedAnchors }: Trust,
  clock: Pick<Clock, 'nowMs'>,
  options: { readonly signal: AbortSignal },
): Promise<readonly StandingIssuer[]> {
  const bundle = issuers.trustAnchors.current();
  const nowMs = clock.nowMs();
  const bridge = bridgeAt(governedAnchors.decided().rotation, nowMs);
  const unbridged = (chainPem: string): { readonly unbridged?: string } => {
    const chain = bridge && bridgedChain(chainPem, bridge, bundle, nowMs);
    return chain !== undefined && 'problem' in chain ? { unbridged: chain.problem } : {};
  };
  return Promise.all(
    issuers.all().map(async ({ name, state }) => {
      const holdsBack = generations.names.includes(name);
      const { prepared } = holdsBack ? await generations.look(name, options) : {};
      return {
        name,
        anchors: state.kind === 'ready' ? state.issuer.anchors : [],
        holdsBack,
        ...(prepared && unbridged(prepared.chainPem)),
        ...(prepared && {
          prepared: { id: prepared.id, anchors: anchorsAbove(prepared.chainPem, bundle, clock.nowMs()) },
        }),
      };
    }),
  );
}
