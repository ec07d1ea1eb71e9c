// The configuration that `capstan config` is asked about, and how it is printed.
import { loadConfig, type InvalidConfig, type LoadedConfig } from '../../config/load.ts';
import type { Invocation, OutputFormat } from '../invocation.ts';

export interface ConfigOptions {
  /** Absent: the environment alone. */
  readonly config?: string;
  readonly output: OutputFormat;
}

export function loadNamedConfig({ config }: ConfigOptions, { environment }: Invocation): LoadedConfig | InvalidConfig {
  return loadConfig({ ...(config !== undefined && { file: config }), environment });
}
