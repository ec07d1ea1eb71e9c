// The keys of issuers that are in memory alone, which the supervisor has for its workers: they sign here, and a worker that takes the
// place of another finds the same issuer.
import { MemoryKeys } from '../../adapters/issuers/memory/memory-keys.ts';
import type { Link } from '../../adapters/processes/link.ts';
import { servePairs } from '../../adapters/processes/relays/pairs.ts';
import { SharedSigners } from '../../adapters/processes/relays/signer.ts';
import { PairsInMemory } from '../../adapters/upstream/memory/pairs-in-memory.ts';
import type { Config } from '../../config/schema.ts';
import { namesInMemory } from '../compose/trust/custody/in-memory.ts';

/** @returns what is called once for each worker, before it starts; `closed` aborts when that is gone. */
export function keepKeys(config: Config): (link: Link, closed: AbortSignal) => void {
  const names = namesInMemory(config);
  if (names.length === 0) return () => undefined;
  const keys = new MemoryKeys();
  const pairs = new PairsInMemory(names, keys);
  const signers = new SharedSigners(keys);
  return (link, closed) => {
    signers.attach(link);
    servePairs(link, pairs, closed);
  };
}
