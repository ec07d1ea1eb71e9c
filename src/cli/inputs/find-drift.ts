// Looks for drift in both places where it can be: between certificates and policies, and between policies and
// Git. Either is looked at when what it takes is named.
import { stat } from 'node:fs/promises';
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';
import { readDocuments } from './read-documents.ts';
import { complainOfProblems } from '../unusable-input.ts';
import { loadCandidate, type CandidateFiles } from './candidate.ts';
import type { Drift } from '../reports/drift.ts';
import { digestOf, policyDrift } from '../../review/drift/policy-drift.ts';
import { examineLive } from '../../review/drift/live-certificates.ts';
import { fetchPolicyInForce } from './policy-in-force.ts';

export interface DriftSources {
  /** The policies in force, as far as they are at hand. */
  readonly files?: CandidateFiles;
  readonly journal?: string;
  /** URL of a running server. */
  readonly server?: string;
  /** A checkout. */
  readonly git?: readonly string[];
}

/** @throws CommandError 2 when anything that is named cannot be used. */
export async function findDrift(sources: DriftSources, progress: boolean, invocation: Invocation): Promise<Drift> {
  const { files, journal, server, git } = sources;
  const { signal } = invocation;
  const inGit = git === undefined ? undefined : await documentsIn(git, invocation);
  const used = files === undefined ? undefined : await loadCandidate(await withOneBundle(files, invocation));
  const inForce = server === undefined ? undefined : await fetchPolicyInForce(server, signal);
  const onDisk = used === undefined ? [] : [...(used.bundle === undefined ? [] : [used.bundle]), ...used.documents];
  const revision = inForce?.revision ?? used?.policies.revision;
  return {
    ...(revision !== undefined && { revision }),
    ...(used !== undefined &&
      journal !== undefined && { certificates: await examineLive(journal, used, progress, invocation) }),
    ...(inGit !== undefined && { policies: policyDrift(inForce?.policies ?? onDisk.map(digestOf), onDisk, inGit) }),
  };
}

async function documentsIn(paths: readonly string[], { terminal }: Invocation): Promise<readonly ParsedDocument[]> {
  const { documents, problems } = await readDocuments(paths);
  if (problems.length === 0) return documents;
  complainOfProblems(`the policies in ${paths.join(' and ')}`, problems, terminal);
  throw new CommandError(EXIT.unreadable, 'nothing was compared');
}

/** A folder of bundles stands for the one of the highest sequence, as it does for the server. */
async function withOneBundle(files: CandidateFiles, invocation: Invocation): Promise<CandidateFiles> {
  if ((await stat(files.bundle).catch(() => undefined))?.isDirectory() !== true) return files;
  const bundles = (await documentsIn([files.bundle], invocation)).flatMap(({ document, position }) =>
    document.kind === 'PolicyBundle' ? [{ sequence: document.sequence, place: position.place }] : [],
  );
  const [newest] = bundles.sort((a, b) => b.sequence - a.sequence);
  if (newest === undefined) throw new CommandError(EXIT.unreadable, `there is no bundle in ${files.bundle}`);
  return { ...files, bundle: newest.place };
}
