// Where policy bundles come from and by what they are verified.
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedDirectory } from '../../../adapters/files/watched-directory.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import type { PolicyBundleSettings } from '../../../adapters/policy/bundle/bundle-manager.ts';
import { FileBundleState } from '../../../adapters/policy/bundle/file-bundle-state.ts';
import { MovedBundleState } from '../../../adapters/policy/bundle/moved-bundle-state.ts';
import type { RecordSetBack } from '../../../adapters/policy/bundle/rollback-guard.ts';
import { DocumentPolicyBundleSource } from '../../../adapters/policy/bundle/sources/document-bundle-source.ts';
import { HttpsPolicyBundleSource } from '../../../adapters/policy/bundle/sources/https-bundle-source.ts';
import { relayedBundleCopy } from '../../../adapters/processes/relays/bundle-copy.ts';
import { RelayedBundleState } from '../../../adapters/processes/relays/bundle-state.ts';
import { readPolicyBundleDirectory } from '../../../adapters/policy/source/document-directory.ts';
import type { Config } from '../../../config/schema.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { PolicyBundleState } from '../../../ports/policy/policy-bundle-state.ts';
import type { OperationJournal } from '../../../ports/storage/operation-journal.ts';
import type { Foundation } from '../foundation.ts';

export type PolicyBundles = DocumentPolicyBundleSource | HttpsPolicyBundleSource;

export function composePolicyBundles(
  config: Config,
  {
    watching: clock,
    files,
    random,
    events,
    worker,
  }: Pick<Foundation, 'watching' | 'files' | 'random' | 'events' | 'worker'>,
  shared?: PolicyBundleState,
): PolicyBundles {
  const { file, url, caFile, pollInterval: pollIntervalMs, unsigned } = config.policy.bundle;
  const settings = { clusterId: config.cluster.id, trust: trustOf(config, worker, shared) };
  if (url !== undefined && caFile !== undefined) {
    const copyFile = bundleCopyFile(config.policy.bundle);
    return new HttpsPolicyBundleSource(
      { clock, random, events, ...(worker !== undefined && { keep: relayedBundleCopy(worker.link) }) },
      { ...settings, url, caFile, pollIntervalMs, copyFile },
    );
  }
  const documents = bundleDocuments(file ?? '', unsigned, files);
  return new DocumentPolicyBundleSource({ documents, clock, events }, settings);
}

/** Where a copy of a fetched bundle is kept; nowhere in development. */
export function bundleCopyFile({ url, unsigned, stateFile }: Config['policy']['bundle']): string | undefined {
  return url === undefined || unsigned ? undefined : `${stateFile}.copy`;
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
export function recordSetBack(journal: OperationJournal): RecordSetBack {
  return async ({ atMs, fromMs }, options) => {
    const [was, is] = [fromMs, atMs].map((ms) => new Date(ms).toISOString()) as [string, string];
    await journal.recordOperation({ timeMs: atMs, operation: 'bundle reset-time', was, is }, options);
  };
}
