// What issuing a certificate takes, whoever asks for it: the CSR API, SDS or the server for itself.
import type { ReportedRefusals } from '../../adapters/kubernetes/events/refusals-of.ts';
import { keyGenerator } from '../../adapters/issuers/memory/key-generator.ts';
import { NamespaceTurns } from '../../authority/issuing/namespace-turns.ts';
import type { IssuingParts } from '../../authority/issuing/issue-certificate.ts';
import type { Revocations } from '../../authority/revocation/revocations.ts';
import type { Config } from '../../config/schema.ts';
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import type { KeyGenerator } from '../../ports/issuing/key-generator.ts';
import type { Cluster } from './cluster.ts';
import type { Foundation } from './foundation.ts';
import { composeRefusalEvents } from './kubernetes/refusal-events.ts';
import { observedDecisions } from './observed-decisions.ts';
import type { Policy } from './policy/policy.ts';
import type { Storage } from './storage.ts';
import type { Trust } from './trust/trust.ts';

export interface Issuing {
  readonly parts: IssuingParts & { readonly keys: KeyGenerator };
  readonly lifetimes: LifetimeSettings;
  /** Where owners of workloads are told, if they are. */
  readonly refusalEvents: ReportedRefusals | undefined;
}

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly cluster: Cluster;
  readonly policy: Policy;
  readonly revocations: Revocations;
}

/** Of a request's time, this much is left to decide and sign it once its turn has come. */
const ANSWER_WITHIN_MS = 1_000;
/** Where a request has no longer than that in all. */
const SHORTEST_WAIT_MS = 100;

export function composeIssuing(config: Config, foundation: Foundation, former: Former): Issuing {
  const { lifetimes, fairness, listen } = config;
  const { clock, random, tracer, telemetry } = foundation;
  const { issuances, refusals } = former.storage;
  const { issuers, bridged, chooser } = former.trust;
  const anchors = issuers.trustAnchors;
  const { judgement } = former.policy;
  const refusalEvents = composeRefusalEvents(config, foundation, former.cluster.kubernetes);
  const observers = [refusalEvents, former.policy.objects?.counting].filter((observer) => observer !== undefined);
  const events = observedDecisions(foundation.events, observers);
  const turns = new NamespaceTurns(
    { clock, events },
    {
      atOnce: fairness.inProgress,
      waitingEach: fairness.waitingPerNamespace,
      maxWaitMs: Math.max(SHORTEST_WAIT_MS, listen.requestTimeout - ANSWER_WITHIN_MS),
    },
  );
  telemetry.observeTurns(() => turns.waiting);
  return {
    refusalEvents,
    parts: {
      cluster: config.cluster.id,
      journal: issuances,
      refusals,
      events,
      clock,
      random,
      tracer,
      issuers: bridged,
      anchors,
      chooser,
      judgement,
      turns,
      revocations: former.revocations,
      keys: keyGenerator,
    },
    lifetimes: {
      defaultMs: lifetimes.default,
      maxMs: lifetimes.max,
      minMs: lifetimes.min,
      backdateMs: lifetimes.backdate,
      jitterPercent: lifetimes.jitterPercent,
    },
  };
}
