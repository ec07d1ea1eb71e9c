// Everything that policy is made of: the bundle and its signatures, local policies, and what asks them.
import path from 'node:path';
import { watchedDirectory } from '../../../adapters/files/watched-directory.ts';
import { policyTimeHealth } from '../../../adapters/policy/bundle/policy-time-health.ts';
import { AssembledPolicySource } from '../../../adapters/policy/source/assembled-policy-source.ts';
import { KeptRevisions } from '../../../adapters/policy/source/kept-revisions.ts';
import { localPolicyHealth } from '../../../adapters/policy/source/local-policy-health.ts';
import { readOwners } from '../../../adapters/policy/source/read-owners.ts';
import { policyHealth } from '../../../authority/issuing/policy-health.ts';
import { PolicyJudgement } from '../../../authority/issuing/policy-judgement.ts';
import type { Config } from '../../../config/schema.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { PolicyWatch } from '../../../authority/drift/policy-watch.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import { followPolicies } from '../kubernetes/live-view.ts';
import { composePolicyObjects, type LocalPolicyObjectsOfCluster } from '../kubernetes/policy-objects.ts';
import { composeLiveWatch, type CertificateWatch } from './live-watch.ts';
import { composePolicyWatch } from './policy-watch.ts';
import { composePolicyBundles, type PolicyBundles } from './policy-bundle.ts';
import type { Storage } from '../storage.ts';
import type { Trust } from '../trust/trust.ts';

export interface Policy {
  readonly bundles: PolicyBundles;
  readonly policies: AssembledPolicySource;
  readonly judgement: PolicyJudgement;
  /** Absent where nothing says what should be in force. */
  readonly watch: PolicyWatch | undefined;
  /** Absent where another process of this server judges live certificates. */
  readonly certificates: CertificateWatch | undefined;
  /** Absent where local policies are no objects of the cluster. */
  readonly objects: LocalPolicyObjectsOfCluster | undefined;
}

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly cluster: Cluster;
}

/** A request that is held must still be answered in its own time. */
const ANSWER_WITHIN_MS = 1_000;

export function composePolicy(config: Config, foundation: Foundation, former: Former): Policy {
  const { clock, watching, events, health, startUp, running } = foundation;
  const { storage, trust, cluster } = former;
  const bundles = composePolicyBundles(config, foundation, {
    shared: storage.bundleState,
    kubernetes: cluster.kubernetes,
  });
  const objects = composePolicyObjects(config, foundation, cluster.kubernetes);
  const policies = localPoliciesOver(config, foundation, bundles, objects);
  const judgement = new PolicyJudgement(
    {
      policies,
      clusters: cluster.views,
      currentCertificates: storage.issuances,
      quotas: storage.quotas,
      chooser: trust.chooser,
      clock: watching,
    },
    {
      maxWaitMs: Math.max(0, config.listen.requestTimeout - ANSWER_WITHIN_MS),
      maxWaiting: config.policy.maxWaiting,
    },
  );
  startUp.at('load', async (options) => {
    const signal = running;
    await bundles.start({ signal });
    await objects?.start(options);
    await policies.start({ signal });
    trust.demands.follow(policies, { signal });
    tellPolicies(policies, events);
    policies.onChange(() => tellPolicies(policies, events), { signal });
    judgement.start({ signal });
    if (cluster.live !== undefined) await followPolicies(cluster.live, policies, foundation);
  });
  health.report('policy', () => policyHealth(judgement));
  health.report('local policies', () => localPolicyHealth(policies));
  health.report('policy time', () => policyTimeHealth(bundles, clock));
  const watch = composePolicyWatch(config, foundation, policies);
  const certificates = composeLiveWatch(foundation, { storage, cluster, policies });
  return { bundles, policies, judgement, watch, certificates, objects };
}

function localPoliciesOver(
  { policy, cluster: { id, labels } }: Config,
  { watching: clock, files, events, worker }: Foundation,
  bundles: PolicyBundles,
  objects: LocalPolicyObjectsOfCluster | undefined,
): AssembledPolicySource {
  const { directory } = policy;
  const { stateFile } = policy.bundle;
  const keptAs = (place: string) => stateFile !== undefined && { kept: keptOf(`${stateFile}.local`, place, worker) };
  // The rules of the configuration take one of both.
  const local =
    objects !== undefined
      ? { documents: objects.documents, objects: true, ...keptAs(`cluster ${id}`) }
      : directory !== undefined && {
          documents: watchedDirectory({ root: directory, read: readOwners }, files),
          ...keptAs(path.resolve(directory)),
        };
  return new AssembledPolicySource({ bundles, events, clock, ...local }, { cluster: { id, labels } });
}

/** Of several processes the one in the first slot writes them, for there always is one. */
function keptOf(folder: string, place: string, worker: Foundation['worker']): KeptRevisions {
  return new KeptRevisions(folder, place, { writes: worker === undefined || worker.slot === 1 });
}

function tellPolicies(source: PolicySource, events: Events): void {
  const { revision, bundleName, bundle } = source.current();
  const { softExpiryMs, hardExpiryMs } = bundle.validity;
  events.policyInForce({ revision, policyBundle: bundleName, softExpiryMs, hardExpiryMs });
}
