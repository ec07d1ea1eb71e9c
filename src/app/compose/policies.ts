// Everything that policy is made of: the bundle and its signatures, local policies, the view of the cluster,
// and what asks them. Built here, started in the order in which they need each other.
import { statSync } from 'node:fs';
import path from 'node:path';
import { watchedDirectory } from '../../adapters/files/watched-directory.ts';
import { watchedFiles } from '../../adapters/files/watched-files.ts';
import type { PolicyInForce } from '../../adapters/http/observation/routes.ts';
import { ManifestClusterView } from '../../adapters/kubernetes/manifests/manifest-cluster-view.ts';
import { readManifestDirectory } from '../../adapters/kubernetes/manifests/manifest-directory.ts';
import { AssembledPolicySource } from '../../adapters/policy/source/assembled-policy-source.ts';
import type { PolicyBundleSettings, RecordSetBack } from '../../adapters/policy/bundle/bundle-manager.ts';
import type { VerifiedPolicyBundle } from '../../adapters/policy/bundle/sources/bundle-source.ts';
import { DocumentPolicyBundleSource } from '../../adapters/policy/bundle/sources/document-bundle-source.ts';
import { HttpsPolicyBundleSource } from '../../adapters/policy/bundle/sources/https-bundle-source.ts';
import { KeptRevisions } from '../../adapters/policy/source/kept-revisions.ts';
import { readOwners } from '../../adapters/policy/source/read-owners.ts';
import { readPolicyBundleDirectory } from '../../adapters/policy/source/document-directory.ts';
import { PolicyJudgement } from '../../authority/issuing/policy-judgement.ts';
import type { Config } from '../../config/schema.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { unsyncedSnapshot } from '../../domain/cluster/snapshot.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { ClusterView } from '../../ports/policy/cluster-view.ts';
import type { DocumentSource } from '../../ports/platform/document-source.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { IssuanceHistory } from '../../ports/storage/issuance-history.ts';
import type { IssuerStore } from '../../ports/issuing/issuer-store.ts';
import type { OperationJournal } from '../../ports/storage/operation-journal.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { Random } from '../../ports/platform/random.ts';
import type { ReadinessCheck } from '../readiness.ts';

/** A request that is held must still be answered in its own time. */
const ANSWER_WITHIN_MS = 1_000;

export interface PolicyParts {
  readonly policies: AssembledPolicySource;
  readonly cluster: ClusterView;
  /** Absent where no view of the cluster is configured. */
  readonly manifests: ManifestClusterView | undefined;
  readonly judgement: PolicyJudgement;
  /** The bundle in force. */
  readonly bundle: () => VerifiedPolicyBundle;
  readonly bundles: DocumentPolicyBundleSource | HttpsPolicyBundleSource;
  start(options: { readonly signal: AbortSignal }): Promise<void>;
}

export function composePolicies(
  config: Config,
  parts: {
    readonly clock: Clock;
    readonly random: Random;
    readonly events: Events;
    readonly issuers: IssuerStore;
    readonly history: IssuanceHistory;
  },
): PolicyParts {
  const { clock, events, issuers, history } = parts;
  const bundles = composeBundles(config, parts);
  const { directory, maxWaiting } = config.policy;
  const { stateFile } = config.policy.bundle;
  const policies = new AssembledPolicySource(
    {
      bundles,
      events,
      clock,
      ...(directory !== undefined && {
        documents: watchedDirectory({ root: directory, read: readOwners }, clock),
        ...(stateFile !== undefined && { kept: new KeptRevisions(`${stateFile}.local`, path.resolve(directory)) }),
      }),
    },
    { cluster: { id: config.cluster.id, labels: config.cluster.labels } },
  );
  const manifests = composeManifests(config, clock, events);
  const cluster: ClusterView = manifests ?? NO_CLUSTER;
  const judgement = new PolicyJudgement(
    { policies, cluster, history, issuers, clock },
    {
      issuerName: config.issuer.name,
      maxWaitMs: Math.max(0, config.listen.requestTimeout - ANSWER_WITHIN_MS),
      maxWaiting,
    },
  );
  const start = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    await bundles.start({ signal });
    await policies.start({ signal });
    tellPolicies(policies, events);
    policies.onChange(() => tellPolicies(policies, events), { signal });
    await manifests?.start({ signal });
    judgement.start({ signal });
  };
  return { policies, cluster, manifests, judgement, bundle: () => bundles.current(), bundles, start };
}

/** Without manifests nothing can be said of the cluster; who asks for it hears that, and is not denied. */
const NO_CLUSTER: ClusterView = {
  current: () => UNSEEN,
  onChange: () => undefined,
};
const UNSEEN = unsyncedSnapshot('no view of the cluster is configured (cluster.manifests)');

function composeBundles(
  config: Config,
  { clock, random, events }: { readonly clock: Clock; readonly random: Random; readonly events: Events },
): DocumentPolicyBundleSource | HttpsPolicyBundleSource {
  const { file, url, caFile, pollInterval: pollIntervalMs } = config.policy.bundle;
  const settings = { clusterId: config.cluster.id, trust: trustOf(config) };
  if (url !== undefined && caFile !== undefined) {
    return new HttpsPolicyBundleSource({ clock, random, events }, { ...settings, url, caFile, pollIntervalMs });
  }
  const documents = bundleDocuments(file ?? '', config.policy.bundle.unsigned, clock);
  return new DocumentPolicyBundleSource({ documents, clock, events }, settings);
}

function trustOf({ policy: { bundle } }: Config): PolicyBundleSettings['trust'] {
  const { unsigned, keys: keyFiles, threshold, stateFile } = bundle;
  if (unsigned) return { unsigned: true };
  // The rules of the configuration demand it.
  return { keyFiles, threshold, stateFile: stateFile ?? '' };
}

/** A folder of bundles, or one with its signature; what is missing is told when it is read. */
function bundleDocuments(file: string, unsigned: boolean, clock: Clock): DocumentSource {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    return watchedDirectory({ root: file, read: readPolicyBundleDirectory }, clock);
  const name = path.basename(file);
  return watchedFiles({ [name]: file, ...(!unsigned && { [`${name}.sig`]: `${file}.sig` }) }, clock);
}

function composeManifests({ cluster }: Config, clock: Clock, events: Events): ManifestClusterView | undefined {
  if (cluster.manifests === undefined) return undefined;
  const documents = watchedDirectory({ root: cluster.manifests, read: readManifestDirectory }, clock);
  return new ManifestClusterView({ documents, events });
}

function tellPolicies(source: PolicySource, events: Events): void {
  const { revision, bundleName, bundle } = source.current();
  const { softExpiryMs, hardExpiryMs } = bundle.validity;
  events.policyInForce({ revision, policyBundle: bundleName, softExpiryMs, hardExpiryMs });
}

/** That an operator sets the policy time back goes into the journal first. */
export function recordSetBack(journal: OperationJournal): RecordSetBack {
  return async ({ atMs, fromMs }) => {
    const [was, is] = [fromMs, atMs].map((ms) => new Date(ms).toISOString()) as [string, string];
    await journal.recordOperation({ timeMs: atMs, operation: 'bundle reset-time', was, is });
  };
}

/** For `/readyz`: whether anybody could be given a certificate, whoever asked. */
export function policyProblem(judgement: PolicyJudgement): ReturnType<ReadinessCheck> {
  try {
    const found = judgement.outlook();
    if (found === undefined) return undefined;
    return found.renewals ? { degraded: `only renewals are granted: ${found.why}` } : found.why;
  } catch (error) {
    return error instanceof AuthorityError ? error.message : 'policy cannot be asked';
  }
}

/** Most owners that a page lists. */
const MAX_LISTED = 100;

/** What `/policy` answers; nothing before the first revision. */
export function policyInForce(source: AssembledPolicySource): PolicyInForce | undefined {
  const policies = loadedOf(source);
  if (policies === undefined) return undefined;
  const outOfDate = source.troubles.slice(0, MAX_LISTED);
  const { revision, bundle, bundleDigest, local } = policies;
  return {
    revision,
    bundle: { name: bundle.name, sequence: bundle.sequence, digest: bundleDigest },
    policies: local.map(({ policy, digest }) => ({
      kind: policy.kind,
      ...(policy.kind === 'IssuancePolicy' && { namespace: policy.namespace }),
      name: policy.name,
      digest,
    })),
    ...(outOfDate.length > 0 && { outOfDate }),
  };
}

function loadedOf(source: PolicySource): PolicySet | undefined {
  try {
    return source.current();
  } catch {
    // CAP-S02: the page says so with its status.
    return undefined;
  }
}
