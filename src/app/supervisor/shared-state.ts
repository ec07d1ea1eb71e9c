// What the workers of a server with an embedded store have in common, kept by the supervisor and asked over their links.
import { BundleCopy } from '../../adapters/policy/bundle/sources/kept-copy.ts';
import { FileBundleState } from '../../adapters/policy/bundle/file-bundle-state.ts';
import type { Link } from '../../adapters/processes/link.ts';
import { serveBundleCopy } from '../../adapters/processes/relays/bundle-copy.ts';
import { serveBundleState } from '../../adapters/processes/relays/bundle-state.ts';
import { serveQuotaBank } from '../../adapters/processes/relays/quota-bank.ts';
import { MemoryQuotaBank } from '../../adapters/storage/embedded/memory-quota-bank.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import { bundleCopyFile } from '../compose/policy/policy-bundle.ts';
import { keptLedgers } from './kept-ledgers.ts';

/** @returns what is called with the link to each worker, before it starts. */
export function shareWithWorkers(
  { policy: { bundle }, journal: { store } }: Config,
  clock: Clock,
): (link: Link) => void {
  const bank = new MemoryQuotaBank(clock);
  const state = bundle.stateFile === undefined ? undefined : new FileBundleState(bundle.stateFile);
  const serveLedgers = store.kind === 'sqlite' ? keptLedgers(store.file) : undefined;
  const copyFile = bundleCopyFile(bundle);
  const copy = copyFile === undefined ? undefined : new BundleCopy(copyFile);
  return (link) => {
    serveQuotaBank(link, bank);
    serveLedgers?.(link);
    if (state !== undefined) serveBundleState(link, state);
    if (copy !== undefined) serveBundleCopy(link, async (...copied) => copy.keep(...copied));
  };
}
