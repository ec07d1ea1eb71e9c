// What drift is looked for in: policies in files, in Git and in a running server, and a journal. Each is read when it is
// named.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { Candidate } from '../../review/sources/candidate.ts';
import { driftOf, type Drift, type PolicyInForce } from '../../review/drift/drift.ts';
import { LiveCertificateReview, type LiveCertificates } from '../../review/drift/live-certificates.ts';
import { parseTexts } from '../../review/sources/policy-texts.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';
import { complainOfProblems } from '../problems.ts';
import { fetchPolicyInForce, type ObservedServer } from './policy-in-force.ts';
import { readCandidate, type CandidateFiles } from './read-candidate.ts';
import { readJournal, type JournalReading } from './journal/read-journal.ts';
import { isDirectory, readTexts } from './read-texts.ts';

export interface DriftSources {
  /** The policies in force, as far as they are at hand. */
  readonly files?: CandidateFiles;
  readonly journal?: JournalReading['journal'];
  /** One that runs. */
  readonly server?: ObservedServer;
  /** A checkout. */
  readonly git?: readonly string[];
}

/** @throws CommandError 2 when anything that is named cannot be used. */
export async function readDrift(sources: DriftSources, progress: boolean, invocation: Invocation): Promise<Drift> {
  const { files, journal, server, git } = sources;
  const inGit = git === undefined ? undefined : await documentsIn(git, invocation);
  const candidate = files === undefined ? undefined : await readCandidate(await withOneBundle(files, invocation));
  const inForce = server === undefined ? undefined : await fetchPolicyInForce(server, invocation.signal);
  if (inForce !== undefined && inGit === undefined) demandComparison(inForce, server?.server);
  const certificates =
    candidate === undefined || journal === undefined
      ? undefined
      : await liveCertificates(journal, candidate, progress, invocation);
  return driftOf({
    ...(inForce !== undefined && { inForce }),
    ...(candidate !== undefined && { candidate }),
    ...(certificates !== undefined && { certificates }),
    ...(inGit !== undefined && { inGit }),
  });
}

/** A server that compares nothing, or cannot, has not said that all is well. */
function demandComparison({ watched }: PolicyInForce, server: string | undefined): void {
  if (watched === undefined) {
    throw new CommandError(
      EXIT.unreadable,
      `${server} compares its policies with nothing (policy.expected): name --git`,
    );
  }
  const { problem } = watched;
  if (problem !== undefined)
    throw new CommandError(EXIT.unreadable, `${server} cannot compare its policies: ${problem}`);
}

async function liveCertificates(
  journal: JournalReading['journal'],
  candidate: Candidate,
  progress: boolean,
  invocation: Invocation,
): Promise<LiveCertificates> {
  const nowMs = invocation.clock.nowMs();
  const review = new LiveCertificateReview({ ...candidate, snapshotOf: () => candidate.snapshot }, nowMs);
  const query = { outcome: 'issued', validAtMs: nowMs } as const;
  await readJournal({ journal, query, progress }, invocation, (record) => review.add(record));
  return review.result();
}

async function documentsIn(paths: readonly string[], { terminal }: Invocation): Promise<readonly ParsedDocument[]> {
  const { documents, problems } = parseTexts(await readTexts(paths));
  if (problems.length === 0) return documents;
  complainOfProblems(`the policies in ${paths.join(' and ')}`, problems, terminal);
  throw new CommandError(EXIT.unreadable, 'nothing was compared');
}

/** A folder of bundles stands for the one of the highest sequence, as it does for the server. */
async function withOneBundle(files: CandidateFiles, invocation: Invocation): Promise<CandidateFiles> {
  if (!(await isDirectory(files.bundle))) return files;
  const bundles = (await documentsIn([files.bundle], invocation)).flatMap(({ document, position }) =>
    document.kind === 'PolicyBundle' ? [{ sequence: document.sequence, place: position.place }] : [],
  );
  const [newest] = bundles.sort((a, b) => b.sequence - a.sequence);
  if (newest === undefined) throw new CommandError(EXIT.unreadable, `there is no bundle in ${files.bundle}`);
  return { ...files, bundle: newest.place };
}
