// Where policy bundles come from and by what they are verified.
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedDirectory } from '../../../adapters/files/watched-directory.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { BundleObject } from '../../../adapters/kubernetes/objects/bundle-object.ts';
import type { PolicyBundleSettings } from '../../../adapters/policy/bundle/bundle-manager.ts';
import { FileBundleState } from '../../../adapters/policy/bundle/file-bundle-state.ts';
import { MovedBundleState } from '../../../adapters/policy/bundle/moved-bundle-state.ts';
import type { RecordSetBack } from '../../../adapters/policy/bundle/rollback-guard.ts';
import { BundleReserve } from '../../../adapters/policy/bundle/sources/bundle-reserve.ts';
import { DocumentPolicyBundleSource } from '../../../adapters/policy/bundle/sources/document-bundle-source.ts';
import { HttpsPolicyBundleSource } from '../../../adapters/policy/bundle/sources/https-bundle-source.ts';
import { relayedBundleCopy } from '../../../adapters/processes/relays/bundle-copy.ts';
import { RelayedBundleState } from '../../../adapters/processes/relays/bundle-state.ts';
import { readPolicyBundleDirectory } from '../../../adapters/policy/source/document-directory.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { PolicyBundleState } from '../../../ports/policy/policy-bundle-state.ts';
import type { OperationJournal } from '../../../ports/storage/operation-journal.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';

export type PolicyBundles = DocumentPolicyBundleSource | HttpsPolicyBundleSource;

export function composePolicyBundles(
  config: Config,
  {
    watching: clock,
    files,
    random,
    events,
    worker,
    running,
    health,
  }: Pick<Foundation, 'watching' | 'files' | 'random' | 'events' | 'worker' | 'running' | 'health'>,
  {
    shared,
    kubernetes,
  }: { readonly shared?: PolicyBundleState | undefined; readonly kubernetes?: Kubernetes | undefined },
): PolicyBundles {
  const { file, url, caFile, pollInterval: pollIntervalMs, unsigned, from } = config.policy.bundle;
  const copyFile = bundleCopyFile(config.policy.bundle);
  const keep = worker === undefined ? undefined : relayedBundleCopy(worker.link);
  const settings = { clusterId: config.cluster.id, trust: trustOf(config, worker, shared) };
  if (url !== undefined && caFile !== undefined) {
    return new HttpsPolicyBundleSource(
      { clock, random, events, ...(keep !== undefined && { keep }) },
      { ...settings, url, caFile, pollIntervalMs, copyFile },
    );
  }
  if (from.name !== undefined && kubernetes !== undefined) {
    const { kind, name, namespace = kubernetes.namespace } = from;
    const parts = { api: kubernetes.api, clock, random, events, cluster: config.cluster.id, running };
    const documents = new BundleObject(parts, { kind, name, namespace });
    health.report('policy bundle object', () => degradedBy(documents.problem));
    const reserve = new BundleReserve(copyFile, keep);
    return new DocumentPolicyBundleSource({ documents, clock, events, reserve }, settings);
  }
  const documents = bundleDocuments(file ?? '', unsigned, files);
  return new DocumentPolicyBundleSource({ documents, clock, events }, settings);
}

/** Where a copy of a bundle from elsewhere is kept; nowhere in development. */
export function bundleCopyFile({ file, unsigned, stateFile }: Config['policy']['bundle']): string | undefined {
  return file !== undefined || unsigned ? undefined : `${stateFile}.copy`;
}

function trustOf(
  { policy: { bundle } }: Config,
  worker: Foundation['worker'],
  shared: PolicyBundleState | undefined,
): PolicyBundleSettings['trust'] {
  // The rules of the configuration demand the file.
  const { unsigned, keys: keyFiles, threshold, stateFile = '' } = bundle;
  if (unsigned) return { unsigned: true };
  const own = worker === undefined ? new FileBundleState(stateFile) : new RelayedBundleState(worker.link, stateFile);
  return { keyFiles, threshold, state: shared === undefined ? own : new MovedBundleState(own, shared) };
}

/** A folder of bundles, or one with its signature; what is missing is told when it is read. */
function bundleDocuments(file: string, unsigned: boolean, files: Watching): DocumentSource {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    return watchedDirectory({ root: file, read: readPolicyBundleDirectory }, files);
  const name = path.basename(file);
  return watchedFiles({ [name]: file, ...(!unsigned && { [`${name}.sig`]: `${file}.sig` }) }, files);
}

/** That an operator sets the policy time back goes into the journal first. */
export function recordSetBack(
  journal: OperationJournal,
  details: { readonly actor: string; readonly role: string },
): RecordSetBack {
  return async ({ atMs, fromMs }, options) => {
    const [was, is] = [fromMs, atMs].map((ms) => new Date(ms).toISOString()) as [string, string];
    await journal.recordOperation({ timeMs: atMs, operation: 'bundle reset-time', was, is, details }, options);
  };
}
