// What of the configuration is each worker's own.
import type { Config } from '../../config/schema.ts';

/** The journal of one slot, beside that of a server of one process. */
export function slotFile(journal: string, slot: number): string {
  return `${journal}.${slot}`;
}

export function workerConfig(config: Config, slot: number): Config {
  const { journal } = config;
  if (journal.store.kind === 'postgres') return config;
  return { ...config, journal: { ...journal, store: { ...journal.store, file: slotFile(journal.store.file, slot) } } };
}
