// Issuers whose keys end with the server: with several processes they are the supervisor's.
import { MemoryKeys } from '../../../../adapters/issuers/memory/memory-keys.ts';
import { relayedPairs } from '../../../../adapters/processes/relays/pairs.ts';
import { relayedSignerOpener } from '../../../../adapters/processes/relays/signer.ts';
import type { HeldPair, HeldPairs, PairsPlace } from '../../../../adapters/upstream/memory/held-pairs.ts';
import { documentsOfPair, pairDocuments } from '../../../../adapters/upstream/memory/pair-documents.ts';
import { PairsInMemory } from '../../../../adapters/upstream/memory/pairs-in-memory.ts';
import type { Config } from '../../../../config/schema.ts';
import { isInMemory } from '../../../../config/shapes/issuer.ts';
import type { SignerOpener } from '../../../../ports/issuing/signer-opener.ts';
import type { DocumentSource } from '../../../../ports/platform/document-source.ts';
import type { WorkerPlace } from '../../../worker-place.ts';
import type { Foundation } from '../../foundation.ts';

/** What issuers in memory are read from. */
export interface InMemoryDocuments {
  readonly opener: SignerOpener;
  /** @param others the documents that are in files. */
  readonly documentsOf: (issuer: string, others: DocumentSource) => DocumentSource;
}

export interface InMemory extends InMemoryDocuments {
  /** Of the issuers. */
  readonly names: readonly string[];
  readonly pairs: PairsPlace;
}

/** @returns nothing where the configuration has no such issuer. */
export function composeInMemory(
  config: Config,
  { running, worker }: Pick<Foundation, 'running' | 'worker'>,
): InMemory | undefined {
  const names = namesInMemory(config);
  if (names.length === 0) return undefined;
  const { opener, pairs } = worker === undefined ? inThisProcess(names) : atSupervisor(worker);
  const documentsOf: InMemory['documentsOf'] = (issuer, others) =>
    pairDocuments(issuer, { pairs, others, signal: running });
  return { names, pairs, opener, documentsOf };
}

function inThisProcess(names: readonly string[]): Pick<InMemory, 'opener' | 'pairs'> {
  const opener = new MemoryKeys();
  return { opener, pairs: new PairsInMemory(names, opener) };
}

function atSupervisor({ link }: WorkerPlace): Pick<InMemory, 'opener' | 'pairs'> {
  return { opener: relayedSignerOpener(link, { custody: 'memory' }), pairs: relayedPairs<HeldPairs>(link) };
}

export function namesInMemory({ issuer, additionalIssuers }: Config): readonly string[] {
  return [issuer, ...additionalIssuers].filter((one) => isInMemory(one)).map(({ name }) => name);
}

/** Of a pair that is judged before it is kept. */
export function stagedDocuments(held: HeldPair): InMemoryDocuments['documentsOf'] {
  return (issuer, others) => documentsOfPair(held, { issuer, called: 'the certificate', others });
}
